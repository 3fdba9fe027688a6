/** Flags without a value; fleet 1.0 also took them as `--full=true`. */
const switches: ReadonlySet<string> = new Set([
  '--debug',
  '--experimental-api',
  '--follow',
  '--forward-agent',
  '--full',
  '--no-block',
  '--no-legend',
  '--replace',
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

/** `--full=true` becomes `--full`, `--full=false` nothing; what stands after `--` is left alone. */
export function plainSwitches(args: readonly string[]): readonly string[] {
  const end = args.indexOf('--');
  const flags = end === -1 ? args : args.slice(0, end);
  const plain = flags.flatMap((arg) => {
    if (isWordySwitch(arg)) return [`${arg}=true`];
    const [flag, value] = arg.split('=', 2);
    if (flag === undefined || value === undefined || !switches.has(flag)) return [arg];
    const isOn = parseSwitch(value);
    if (isOn === null) return [arg];
    return isOn ? [flag] : [];
  });
  return [...plain, ...args.slice(flags.length)];
}
