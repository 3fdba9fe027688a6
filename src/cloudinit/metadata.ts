import { printable } from '../unitfile/problem.ts';

/**
 * Why fleetd could not use a metadata setting, null when it can: `KEY=VALUE,KEY=VALUE`. A comma in
 * a value would begin another pair, and a quote would be part of a name that nobody types.
 */
export function metadataObjection(text: string): string | null {
  const quote = /["'`]/.exec(text)?.[0];
  if (quote !== undefined) {
    return `coreos.fleet.metadata has a quote (${quote}) in "${printable(text)}"; take it out`;
  }
  const keys = new Set<string>();
  for (const pair of text.split(',')) {
    const shown = printable(pair.trim());
    const [, key, value] = /^\s*([^\s=/]+)\s*=\s*([^=]*?)\s*$/.exec(pair) ?? [];
    if (key === undefined || value === undefined) {
      const rule = 'write KEY=VALUE,KEY=VALUE; a value cannot have a comma';
      return `coreos.fleet.metadata: "${shown}" is not KEY=VALUE; ${rule}`;
    }
    if (keys.has(key)) return `coreos.fleet.metadata has ${printable(key)} twice; keep one of them`;
    keys.add(key);
  }
  return null;
}
