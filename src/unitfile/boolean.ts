const truths: ReadonlySet<string> = new Set(['1', 'yes', 'y', 'true', 't', 'on']);
const untruths: ReadonlySet<string> = new Set(['0', 'no', 'n', 'false', 'f', 'off']);

/** Reads a boolean as systemd's `parse_boolean` does; null when it is none. */
export function parseBoolean(text: string): boolean | null {
  const word = text.toLowerCase();
  if (truths.has(word)) return true;
  return untruths.has(word) ? false : null;
}
