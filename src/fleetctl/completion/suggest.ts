import type { Definitions } from '../command.ts';
import type { Completes, Flag } from '../flag.ts';

/** One word that could be meant, and what it does. */
export interface Suggestion {
  readonly word: string;
  readonly what: string;
}

/** What could stand where the cursor is. */
export interface Suggestions {
  readonly words: readonly Suggestion[];
  /** Names of the cluster that fit as well; each begins with `prefix`. */
  readonly names: 'units' | 'machines' | 'machines away' | null;
  readonly hasFiles: boolean;
  /** What stands before a value in the same word: `--machine=`; empty otherwise. */
  readonly prefix: string;
  /** Flags of every command as they were typed so far, such as `--endpoint`, by their long name. */
  readonly globals: ReadonlyMap<string, string>;
}

/** Suggests words for the last of `typed`, which are the words after the program's name. */
export function suggest(typed: readonly string[], definitions: Definitions): Suggestions {
  const current = typed.at(-1) ?? '';
  const line = readLine(typed.slice(0, -1), definitions);
  const answer = (some: Partial<Suggestions>): Suggestions => {
    const words = (some.words ?? []).filter(({ word }) => word.startsWith(current));
    const rest = { names: null, hasFiles: false, prefix: '', globals: line.globals };
    return { ...rest, ...some, words };
  };
  if (line.pending !== null) return answer(forValue(line.pending, '', definitions));
  const command = definitions.commands.find(({ name }) => name === line.command);
  const flags = [...(command?.flags ?? []), ...definitions.globalFlags, helpFlag];
  if (!line.isOver && current.startsWith('-')) {
    const equals = current.indexOf('=');
    if (equals === -1) return answer({ words: flags.flatMap(flagWords) });
    const name = current.slice(0, equals);
    const flag = flags.find((candidate) => namesOf(candidate).includes(name));
    if (flag === undefined) return answer({});
    return answer(forValue(flag, current.slice(0, equals + 1), definitions));
  }
  if (line.command === null) return answer({ words: commandWords(definitions) });
  const operand = command?.operand ?? null;
  if (operand === null || (line.operandCount > 0 && !operand.usage.includes('...'))) {
    return answer({});
  }
  return answer(forValue(operand, '', definitions));
}

const helpFlag: Flag = { usage: '-h, --help', what: 'print help' };

interface Line {
  command: string | null;
  operandCount: number;
  /** A flag whose value is still to come. */
  pending: Flag | null;
  /** `--` was typed: no flags any more. */
  isOver: boolean;
  readonly globals: Map<string, string>;
}

function readLine(words: readonly string[], { commands, globalFlags }: Definitions): Line {
  const line: Line = {
    ...{ command: null, operandCount: 0, pending: null, isOver: false },
    globals: new Map(),
  };
  for (const word of words) {
    if (line.pending !== null) {
      if (globalFlags.includes(line.pending)) line.globals.set(longName(line.pending), word);
      line.pending = null;
    } else if (word === '--') line.isOver = true;
    else if (!line.isOver && word.startsWith('-')) takeFlag(line, word);
    else if (line.command === null) line.command = word;
    else line.operandCount += 1;
  }
  return line;

  function takeFlag(to: Line, word: string): void {
    const [name = word] = word.split('=', 1);
    const own = commands.find((candidate) => candidate.name === to.command)?.flags ?? [];
    const flag = [...own, ...globalFlags].find((one) => namesOf(one).includes(name));
    if (flag === undefined) return;
    if (name !== word) to.globals.set(longName(flag), word.slice(name.length + 1));
    else if (takesValue(flag)) to.pending = flag;
  }
}

type Placeholder = Pick<Flag, 'usage' | 'values' | 'completes'>;

/** What a value, or an operand, may be: by its definition, or by what its placeholder is called. */
function forValue(
  { usage, values, completes }: Placeholder,
  prefix: string,
  definitions: Definitions,
): Partial<Suggestions> {
  if (values !== undefined) {
    return { prefix, words: values.map((word) => ({ word: prefix + word, what: '' })) };
  }
  const placeholder = /[<[]([a-z-]+)(?:\.\.\.)?[>\]]/.exec(usage)?.[1] ?? '';
  const kind = completes ?? byPlaceholder[placeholder];
  if (kind === 'commands') return { prefix, words: commandWords(definitions) };
  if (kind === 'files') return { prefix, hasFiles: true };
  if (kind === 'units and files') return { prefix, names: 'units', hasFiles: true };
  return kind === undefined ? { prefix } : { prefix, names: kind };
}

const byPlaceholder: Readonly<Record<string, Completes | undefined>> = {
  unit: 'units',
  machine: 'machines',
  command: 'commands',
  file: 'files',
  path: 'files',
  socket: 'files',
};

function commandWords({ commands }: Definitions): readonly Suggestion[] {
  return commands.map(({ name, summary }) => ({ word: name, what: summary }));
}

function flagWords(flag: Flag): readonly Suggestion[] {
  return namesOf(flag).map((word) => ({ word, what: flag.what }));
}

/** `-o` and `--output` of `-o, --output <format>`. */
function namesOf({ usage }: Flag): readonly string[] {
  return usage.split(/[\s,]+/).filter((part) => part.startsWith('-'));
}

function longName(flag: Flag): string {
  return namesOf(flag).findLast((name) => name.startsWith('--')) ?? flag.usage;
}

function takesValue({ usage }: Flag): boolean {
  return usage.includes('<');
}
