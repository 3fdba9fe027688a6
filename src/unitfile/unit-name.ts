// unitfile: systemd unit files as text and as structure; names, [X-Fleet] options, globs.
// A library of its own: knows nothing of machines, clusters or etcd.
// Start with unit-file.ts (the parser) and requirements.ts (what [X-Fleet] asks for).
import type { Brand } from '../lib/brand.ts';
import { fail, ok, type Result } from '../lib/result.ts';
import { unitFileLimits } from './limits.ts';
import { printable } from './problem.ts';
import { ownUnits, specialUnits } from './special-units.ts';

/** A valid unit name with a type, e.g. `web@1.service`. Made only by `parseUnitName`. */
export type UnitName = Brand<string, 'UnitName'>;

/** Every type fleet 1.0 knew, those included that systemd has dropped since. */
export const unitTypes = [
  'automount',
  'busname',
  'device',
  'mount',
  'path',
  'scope',
  'service',
  'slice',
  'snapshot',
  'socket',
  'swap',
  'target',
  'timer',
] as const;

/** What stands after the last dot of a unit name. */
export type UnitType = (typeof unitTypes)[number];

/** The types that may have templates and instances. */
const templateTypes: ReadonlySet<string> = new Set([
  'path',
  'service',
  'socket',
  'target',
  'timer',
]);

/** A unit name taken apart. `web@1.service` is prefix `web`, instance `1`, type `service`. */
export interface UnitNameParts {
  readonly prefix: string;
  /** null for units without `@` and for templates. */
  readonly instance: string | null;
  readonly type: UnitType;
  readonly isTemplate: boolean;
}

/**
 * Checks a name by fleet 1.0's rules and systemd's length limit. The refusal says what is wrong
 * and what is allowed.
 */
export function parseUnitName(text: string): Result<UnitName, string> {
  const why = objectionTo(text);
  return why === null ? ok(text as UnitName) : fail(why);
}

/** Takes a name apart: the prefix ends at the first `@`, the type begins after the last dot. */
export function unitNameParts(name: UnitName): UnitNameParts {
  const dot = name.lastIndexOf('.');
  const stem = name.slice(0, dot);
  const type = name.slice(dot + 1) as UnitType;
  const at = stem.indexOf('@');
  if (at === -1) return { prefix: stem, instance: null, type, isTemplate: false };
  const instance = stem.slice(at + 1);
  const isTemplate = instance === '';
  return { prefix: stem.slice(0, at), instance: isTemplate ? null : instance, type, isTemplate };
}

/** `web@.service` for `web@1.service`; null for whatever is not an instance. */
export function templateOf(name: UnitName): UnitName | null {
  const { prefix, instance, type } = unitNameParts(name);
  return instance === null ? null : (`${prefix}@.${type}` as UnitName);
}

/**
 * The unit a command argument means: a path is reduced to its base name, and `.service` is added
 * when it does not end in a known type.
 */
export function unitNameFromArgument(arg: string): Result<UnitName, string> {
  const base = arg.replace(/\/+$/, '').replace(/^.*\//s, '');
  if (base === '')
    return fail(`"${printable(arg)}" names no unit; give a name such as web.service`);
  return parseUnitName(typeAfterDot(base) === null ? `${base}.service` : base);
}

/**
 * Why a unit of this name cannot be submitted, null when it can: its type cannot come from a file,
 * or the name belongs to systemd (systemd.special(7)) or to fleet itself.
 */
export function refusedName(name: UnitName): string | null {
  const { type } = unitNameParts(name);
  const dropped = refusedTypes[type];
  if (dropped !== undefined) return `"${name}" cannot be submitted: ${dropped}`;
  if (ownUnits.has(name)) return `"${name}" is a unit of fleet itself; choose another name`;
  const template = templateOf(name);
  const isSpecial = specialUnits.has(name) || (template !== null && specialUnits.has(template));
  return isSpecial ? `"${name}" has a meaning of its own in systemd; choose another name` : null;
}

const refusedTypes: Readonly<Partial<Record<UnitType, string>>> = {
  snapshot: 'systemd dropped snapshot units in version 228',
  busname: 'systemd dropped busname units in version 234',
  device: 'device units come from udev, not from files',
  scope: 'scope units are made by programs, not by files',
};

function objectionTo(text: string): string | null {
  const shown = `unit name "${printable(text)}"`;
  if (text === '') return 'a unit name cannot be empty; give one such as web.service';
  if (text.length > unitFileLimits.unitNameLengthMax) {
    return (
      `${shown} has ${text.length} characters; ` +
      `systemd allows ${unitFileLimits.unitNameLengthMax}`
    );
  }
  const foreign = /[^A-Za-z0-9:_.\\@-]/u.exec(text)?.[0];
  if (foreign !== undefined) {
    return `${shown} contains "${printable(foreign)}"; letters, digits and : _ . \\ @ - are allowed`;
  }
  if (text.startsWith('@')) return `${shown} starts with @; write PREFIX@INSTANCE.TYPE`;
  return objectionToType(text, shown);
}

function objectionToType(text: string, shown: string): string | null {
  const dot = text.lastIndexOf('.');
  if (dot === -1) return `${shown} has no type; add one, such as ${printable(text)}.service`;
  if (dot === 0) return `${shown} has nothing before its type; write NAME.TYPE`;
  const type = typeAfterDot(text);
  if (type === null) {
    const ending = printable(text.slice(dot + 1));
    return `${shown} has no known type: "${ending}" is none of ${unitTypes.join(', ')}`;
  }
  if (text.includes('@') && !templateTypes.has(type)) {
    const allowed = [...templateTypes].join(', ');
    return `${shown}: a ${type} unit cannot have instances; only ${allowed} units can`;
  }
  return null;
}

function typeAfterDot(text: string): UnitType | null {
  const dot = text.lastIndexOf('.');
  if (dot === -1) return null;
  const ending = text.slice(dot + 1);
  return unitTypes.find((type) => type === ending) ?? null;
}
