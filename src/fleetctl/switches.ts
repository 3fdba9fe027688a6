/** Flags without a value; fleet 1.0 also took them as `--full=true`. */
const switches: ReadonlySet<string> = new Set([
  '--debug',
  '--experimental-api',
  '--full',
  '--no-block',
  '--no-legend',
  '--replace',
  '--wait',
]);

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

/** `--full=true` becomes `--full`, `--full=false` nothing; what stands after `--` is left alone. */
export function plainSwitches(args: readonly string[]): readonly string[] {
  const end = args.indexOf('--');
  const flags = end === -1 ? args : args.slice(0, end);
  const plain = flags.flatMap((arg) => {
    const [flag, value] = arg.split('=', 2);
    if (flag === undefined || value === undefined || !switches.has(flag)) return [arg];
    const isOn = parseSwitch(value);
    if (isOn === null) return [arg];
    return isOn ? [flag] : [];
  });
  return [...plain, ...args.slice(flags.length)];
}
