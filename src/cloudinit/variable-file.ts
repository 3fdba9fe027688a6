/** One line of a file of variables, or of a drop-in. */
export type Variable = readonly [name: string, value: string];

/**
 * Sets variables in a text of `NAME=VALUE` lines: those that are there where they stand, the others
 * at the end, and everything else stays as it is.
 */
export function withVariables(text: string, variables: readonly Variable[]): string {
  const left = new Map(variables);
  const lines = text === '' ? [] : text.replace(/\n$/, '').split('\n');
  const changed = lines.map((line) => {
    const name = /^([A-Za-z0-9_]+)=/.exec(line)?.[1];
    const value = name === undefined ? undefined : left.get(name);
    if (name === undefined || value === undefined) return line;
    left.delete(name);
    return `${name}=${value}`;
  });
  const added = [...left].map(([name, value]) => `${name}=${value}`);
  return [...changed, ...added].map((line) => `${line}\n`).join('');
}

/** A drop-in that gives a service its variables. */
export function environmentDropIn(variables: readonly Variable[]): string {
  const lines = variables.map(([name, value]) => `Environment="${name}=${quoted(value)}"\n`);
  return `[Service]\n${lines.join('')}`;
}

/**
 * A value between the quotes of `Environment=`. Specifiers such as `%H` are systemd's, as in the
 * unit itself; a percent sign that begins none, as in a URL, is doubled, or systemd would throw
 * away the whole line.
 */
function quoted(value: string): string {
  return value.replace(/[\\"]/g, '\\$&').replace(/%(%|[A-Za-z])?/g, (whole, next?: string) => {
    return next === undefined ? '%%' : whole;
  });
}
