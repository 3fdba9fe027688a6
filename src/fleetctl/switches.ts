/** Flags without a value; fleet 1.0 also took them as `--full=true`. */
const switches: ReadonlySet<string> = new Set([
  '--debug',
  '--experimental-api',
  '--follow',
  '--forward-agent',
  '--full',
  '--help',
  '--no-block',
  '--no-legend',
  '--replace',
  '--sign',
  '--sudo',
  '--wait',
]);

/** Whether a flag may stand without its value. */
export function isWordySwitch(flag: string): boolean {
  return wordySwitches.has(flag);
}

const words: Readonly<Record<string, boolean>> = {
  1: true,
  t: true,
  true: true,
  0: false,
  f: false,
  false: false,
};

/** Reads a switch as Go does; null when the text is neither true nor false. */
export function parseSwitch(text: string): boolean | null {
  const word = text.toLowerCase();
  return Object.hasOwn(words, word) ? (words[word] ?? null) : null;
}

/** Flags that have a value, and mean `true` without one. */
const wordySwitches: ReadonlySet<string> = new Set(['--strict-host-key-checking']);

/** `--full=true` and `--l` become `--full`, `--full=false` nothing; what stands after `--` is left alone. */
export function plainSwitches(args: readonly string[]): readonly string[] {
  const end = args.indexOf('--');
  const flags = end === -1 ? args : args.slice(0, end);
  return [...flags.flatMap(plainSwitch), ...args.slice(flags.length)];
}

function plainSwitch(arg: string): readonly string[] {
  if (isWordySwitch(arg)) return [`${arg}=true`];
  const [given = arg, value] = arg.split('=', 2);
  const flag = shorthands.get(given) ?? given;
  if (!switches.has(flag)) return [arg];
  if (value === undefined) return [flag];
  const isOn = parseSwitch(value);
  if (isOn === null) return [arg];
  return isOn ? [flag] : [];
}

/** One letter after two dashes: how fleet 1.0 read its shorthands. */
const shorthands: ReadonlyMap<string, string> = new Map([
  ['--A', '--forward-agent'],
  ['--f', '--follow'],
  ['--h', '--help'],
  ['--l', '--full'],
]);
