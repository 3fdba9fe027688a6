import { formatProblem, printable, type SyntaxProblem } from '../unitfile/problem.ts';
import { checkUnitText, parseUnitFile } from '../unitfile/unit-file.ts';
import { parseUnitName } from '../unitfile/unit-name.ts';
import type { ConfigUnit, DropIn, UnitCommand } from './cloud-config.ts';
import {
  type Field,
  type Fields,
  type FieldType,
  isTrue,
  itemsOf,
  readFields,
  scalarOf,
  textOf,
} from './fields.ts';
import { cloudinitLimits } from './limits.ts';
import { errorAt, noteAt, type Place, type Problem } from './problem.ts';
import type { ScalarTree } from './yaml-tree.ts';

/** The keys of an entry of `coreos.units`. */
export const unitKeys = {
  command: 'text',
  content: 'text',
  drop_ins: 'maps',
  enable: 'truth',
  mask: 'truth',
  name: 'text',
  runtime: 'truth',
} as const satisfies Readonly<Record<string, FieldType>>;

/** The keys of an entry of a unit's `drop_ins`. */
export const dropInKeys = {
  content: 'text',
  name: 'text',
} as const satisfies Readonly<Record<string, FieldType>>;

const commands: readonly UnitCommand[] = [
  ...(['start', 'stop', 'restart', 'reload', 'try-restart'] as const),
  ...(['reload-or-restart', 'reload-or-try-restart'] as const),
];

/** The entries of `coreos.units`, in the order of the file. */
export function readUnits(field: Field | undefined, problems: Problem[]): readonly ConfigUnit[] {
  return itemsOf(field).flatMap((item, index) => {
    const path = `coreos.units[${index}]`;
    const fields = readFields(item, { path, types: unitKeys }, problems);
    return readUnit(fields, { path, place: item.place }, problems) ?? [];
  });
}

interface Where {
  readonly path: string;
  readonly place: Place;
}

function readUnit(fields: Fields, where: Where, problems: Problem[]): ConfigUnit | null {
  const name = textOf(fields.get('name'));
  const place = fields.get('name')?.value.place ?? where.place;
  if (name === null || name === '') {
    problems.push(errorAt(place, 'a unit without a name; add one, such as name: web.service'));
    return null;
  }
  const isNetwork = /\.(network|netdev|link)$/.test(name);
  const objection = isNetwork ? objectionToNetworkName(name) : objectionToName(name);
  if (objection !== null) {
    problems.push(errorAt(place, objection));
    return null;
  }
  const command = readCommand(fields.get('command'), problems);
  const unit: ConfigUnit = {
    ...{ name, isNetwork, command, ...place },
    isRuntime: isTrue(fields.get('runtime')),
    isEnabled: isTrue(fields.get('enable')),
    isMasked: isTrue(fields.get('mask')),
    content: readContent(fields.get('content'), name, problems),
    dropIns: readDropIns(fields.get('drop_ins'), name, problems),
  };
  problems.push(...contradictions(unit));
  return unit;
}

function objectionToName(name: string): string | null {
  const parsed = parseUnitName(name);
  return parsed.ok ? null : parsed.error;
}

function objectionToNetworkName(name: string): string | null {
  const isName = /^[A-Za-z0-9:_.@\\-]+$/.test(name) && !name.startsWith('.');
  if (isName && name.length <= cloudinitLimits.nameLengthMax) return null;
  const rule = 'letters, digits and : _ . @ - are allowed';
  return `"${printable(name)}" is no name of a network file; ${rule}`;
}

function readCommand(field: Field | undefined, problems: Problem[]): UnitCommand | null {
  const text = textOf(field);
  if (field === undefined || text === null || text === '') return null;
  const command = commands.find((candidate) => candidate === text);
  if (command !== undefined) return command;
  const what = `command "${printable(text)}" is not known`;
  problems.push(errorAt(field.value.place, `${what}; write one of ${commands.join(', ')}`));
  return null;
}

/** What a unit file says is checked as systemd reads it, more strictly where it only warns. */
function readContent(field: Field | undefined, name: string, problems: Problem[]): string | null {
  const scalar = scalarOf(field);
  if (scalar === null || scalar.text === '') return null;
  const checked = checkUnitText(scalar.text);
  const parsed = checked.ok ? parseUnitFile(checked.value) : null;
  const wrong = checked.ok ? (parsed?.ok === false ? parsed.error : []) : [checked.error];
  for (const problem of wrong) problems.push(problemInBlock(scalar, name, problem));
  return scalar.text;
}

/** A literal block has the lines of its file, further in; of others only the begin is known. */
function problemInBlock(
  { block, place }: ScalarTree,
  name: string,
  problem: SyntaxProblem,
): Problem {
  const { line, column, text, message } = problem;
  if (block === null) return errorAt(place, formatProblem(name, problem));
  const inFile = { line: block.line + line - 1, column: block.column + column - 1 };
  return errorAt(inFile, `${name}: "${text}": ${message}`);
}

function readDropIns(
  field: Field | undefined,
  unit: string,
  problems: Problem[],
): readonly DropIn[] {
  return itemsOf(field).flatMap((item, index) => {
    const where = { path: `drop_ins[${index}] of ${unit}`, types: dropInKeys };
    const fields = readFields(item, where, problems);
    const name = textOf(fields.get('name')) ?? '';
    const place = fields.get('name')?.value.place ?? item.place;
    const why = objectionToDropIn(name);
    if (why !== null) {
      problems.push(errorAt(place, why));
      return [];
    }
    const content = readContent(fields.get('content'), `${unit}.d/${name}`, problems);
    if (content !== null) return [{ name, content, ...place }];
    problems.push(errorAt(place, `${name} has no content; add some, such as [Service] lines`));
    return [];
  });
}

function objectionToDropIn(name: string): string | null {
  if (name === '') return 'a drop-in without a name; add one, such as name: 10-limits.conf';
  const isName = /^[^/\p{Cc}]+\.conf$/u.test(name) && !name.startsWith('.');
  if (isName && Buffer.byteLength(name) <= cloudinitLimits.nameLengthMax) return null;
  return `systemd passes over a drop-in "${printable(name)}"; its name has to end in .conf`;
}

function contradictions(unit: ConfigUnit): readonly Problem[] {
  const { name, isNetwork, isMasked, isEnabled, command, content } = unit;
  if (isNetwork) {
    const asked = isEnabled ? 'enable' : command === null ? null : `command: ${command}`;
    if (asked === null) return [];
    const instead = 'systemd-networkd is restarted when such a file changes';
    return [noteAt(unit, `${name} is not a unit, so ${asked} has no effect: ${instead}`)];
  }
  if (!isMasked) return [];
  if (command !== null && !/^(stop|try-restart|reload-or-try-restart)$/.test(command)) {
    return [errorAt(unit, `${name} is masked, so systemd will not ${command} it; take one out`)];
  }
  if (isEnabled) return [errorAt(unit, `${name} cannot be both masked and enabled; take one out`)];
  return content === null ? [] : [noteAt(unit, `${name} is masked: its content is not written`)];
}
