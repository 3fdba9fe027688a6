import type { UnitBody } from '../api/schema.ts';
import { fail, ok, type Result } from '../lib/result.ts';
import { refusedName, templateOf, type UnitName, unitNameParts } from '../unitfile/unit-name.ts';
import type { Context } from './command.ts';
import { CommandError } from './command-error.ts';
import { inParallel } from './in-parallel.ts';
import { limits } from './limits.ts';
import { Cluster, distinctNames, type NamedArgument } from './named-units.ts';
import {
  type CheckedUnit,
  checkSource,
  filePathsOf,
  isFolder,
  objectionToEnding,
  pathBeside,
  readFirstSource,
  readUnitSource,
  type UnitSource,
} from './unit-source.ts';

/** A unit that a command is about, with what has to be sent. */
export interface PlannedUnit {
  readonly name: UnitName;
  readonly isGlobal: boolean;
  /** null: the cluster does not know it yet. */
  readonly before: UnitBody | null;
  /** What to store; null when what is stored stays. */
  readonly text: string | null;
  readonly warnings: readonly string[];
}

/** What is to become of the units. */
export interface PlanRequest {
  readonly desired: 'inactive' | 'loaded' | 'launched';
  /** Other content replaces what is stored. */
  readonly isReplacing: boolean;
}

/**
 * Finds out what each argument means and whether it can be done, before anything is sent. An
 * argument is a unit the cluster knows, a unit file, or an instance of a template that the cluster
 * knows or that lies beside the argument. Throws CommandError with every problem.
 */
export async function planUnits(
  context: Context,
  args: readonly string[],
  request: PlanRequest,
): Promise<readonly PlannedUnit[]> {
  const cluster = new Cluster(context.client());
  const distinct = distinctNames(args);
  await cluster.foresee(distinct);
  const plans = await inParallel(distinct, limits.requestCountMax, (named) =>
    planUnit(cluster, named, request),
  );
  const problems = new Set(plans.flatMap((plan) => (plan.ok ? [] : plan.error)));
  if (problems.size > 0) throw unusable([...problems], plans.length);
  const good = plans.flatMap((plan) => (plan.ok ? [plan.value] : []));
  const warnings = new Set(good.flatMap((unit) => unit.warnings)); // a template's once for all
  for (const warning of warnings) context.screen.warn(warning);
  return good;
}

function unusable(problems: readonly string[], unitCount: number): CommandError {
  const [only] = problems;
  if (only !== undefined && problems.length === 1) {
    return new CommandError(only, { hint: 'nothing was sent; correct it and try again' });
  }
  const which = unitCount === 1 ? 'the unit' : `the ${unitCount} units`;
  return new CommandError(`nothing was sent: ${problems.length} problems with ${which}`, {
    hint: 'correct what is listed above and try again',
    details: problems,
  });
}

type Plan = Result<PlannedUnit, readonly string[]>;

async function planUnit(
  cluster: Cluster,
  { argument, name: parsed }: NamedArgument,
  request: PlanRequest,
): Promise<Plan> {
  if (!parsed.ok) return fail([parsed.error]);
  const name = parsed.value;
  const why = refusedName(name) ?? objectionToTemplate(name, request);
  if (why !== null) return fail([why]);
  const before = await cluster.get(name);
  const own = await readFirstSource(filePathsOf(argument, name));
  if (!own.ok) {
    const isNeeded = before === null || request.isReplacing;
    return isNeeded ? own : ok(keep(name, before, own.error));
  }
  if (before === null) return planNew(cluster, { argument, name, own: own.value });
  return planKnown(cluster, { argument, name, before, own: own.value }, request);
}

function objectionToTemplate(name: UnitName, { desired }: PlanRequest): string | null {
  const { isTemplate, prefix, type } = unitNameParts(name);
  if (!isTemplate || desired === 'inactive') return null;
  const verb = desired === 'launched' ? 'started' : 'loaded';
  const instance = `${prefix}@1.${type}`;
  return `${name} is a template and cannot be ${verb}; name an instance, such as ${instance}`;
}

async function planNew(
  cluster: Cluster,
  unit: { readonly argument: string; readonly name: UnitName; readonly own: UnitSource | null },
): Promise<Plan> {
  const { argument, name, own } = unit;
  const badEnding = own?.origin === argument ? objectionToEnding(argument) : null;
  if (badEnding !== null) return fail([badEnding]);
  const found = own === null ? await fromTemplate(cluster, argument, name) : ok(plain(own));
  if (!found.ok) return found;
  if (found.value === null) {
    const template = templateOf(name);
    const orTemplate = template === null ? '' : `, nor a template ${template}`;
    const noUnit = `the cluster knows no unit ${name}`;
    if (await isFolder(argument)) {
      return fail([`${argument} is a folder, and ${noUnit}; name the unit files in the folder`]);
    }
    const message = `${noUnit}, and there is no file ${argument}`;
    return fail([`${message}${orTemplate}; give the path of its unit file`]);
  }
  const checked = checkSource(found.value.source, name);
  if (!checked.ok) return checked;
  const { text, isGlobal } = checked.value;
  const warnings = [...found.value.warnings, ...checked.value.warnings];
  return ok({ name, isGlobal, before: null, text, warnings });
}

async function planKnown(
  cluster: Cluster,
  unit: {
    readonly argument: string;
    readonly name: UnitName;
    readonly before: UnitBody;
    readonly own: UnitSource | null;
  },
  request: PlanRequest,
): Promise<Plan> {
  const { argument, name, before, own } = unit;
  const found = own === null ? await fromTemplate(cluster, argument, name) : ok(plain(own));
  if (!found.ok) return request.isReplacing ? found : ok(keep(name, before, found.error));
  if (found.value === null) return ok(keep(name, before, []));
  const { source, warnings: some } = found.value;
  const checked = checkSource(source, name);
  if (!request.isReplacing) {
    const isSame = checked.ok && checked.value.hash === before.hash;
    const warning = `${unused(name, source.origin)}; --replace stores it`;
    return ok(keep(name, before, isSame ? some : [...some, warning]));
  }
  if (!checked.ok) return checked;
  if (checked.value.text === before.text) return ok(keep(name, before, some));
  const objection = objectionToReplacing(before, checked.value, request);
  if (objection !== null) return fail([objection]);
  const { text, isGlobal, warnings } = checked.value;
  return ok({ name, isGlobal, before, text, warnings: [...some, ...warnings] });
}

/** What is stored stays as it is. */
function keep(name: UnitName, before: UnitBody, warnings: readonly string[]): PlannedUnit {
  return { name, isGlobal: before.global, before, text: null, warnings };
}

function unused(name: UnitName, path: string): string {
  return `${name} in the cluster differs from ${path}, which is not used`;
}

/** As in fleet 1.0, content is not replaced by a command that would take the unit a step back. */
function objectionToReplacing(
  { name, hash, desiredState }: UnitBody,
  next: CheckedUnit,
  { desired }: PlanRequest,
): string | null {
  const steps = ['inactive', 'loaded', 'launched'] as const;
  if (next.hash === hash || steps.indexOf(desiredState) <= steps.indexOf(desired)) return null;
  const verb = desiredState === 'launched' ? 'start' : 'load';
  const how = `replace it with fleetctl ${verb} --replace, or unload it first`;
  return `${name} is ${desiredState}; ${how}`;
}

interface FoundSource {
  readonly source: UnitSource;
  readonly warnings: readonly string[];
}

function plain(source: UnitSource): FoundSource {
  return { source, warnings: [] };
}

/** The template in the cluster, else the one beside the argument; null when there is neither. */
async function fromTemplate(
  cluster: Cluster,
  argument: string,
  name: UnitName,
): Promise<Result<FoundSource | null, readonly string[]>> {
  const template = templateOf(name);
  if (template === null) return ok(null);
  const stored = await cluster.get(template);
  const local = await readUnitSource(pathBeside(argument, template));
  if (stored === null) {
    if (!local.ok) return local;
    return ok(local.value === null ? null : plain(local.value));
  }
  const source = { origin: template, text: stored.text };
  if (!local.ok || local.value === null) return ok(plain(source));
  const checked = checkSource(local.value, template);
  const isSame = checked.ok && checked.value.hash === stored.hash;
  return ok({ source, warnings: isSame ? [] : [unused(template, local.value.origin)] });
}
