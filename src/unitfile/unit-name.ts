// unitfile: systemd unit files as text and as structure; names, [X-Fleet] options, globs.
// A library of its own: knows nothing of machines, clusters or etcd.
// Start with unit-file.ts (the parser) and requirements.ts (what [X-Fleet] asks for).
import type { Brand } from '../lib/brand.ts';
import { fail, ok, type Result } from '../lib/result.ts';

/** A valid unit name with a type, e.g. `web@1.service`. Made only by `parseUnitName`. */
export type UnitName = Brand<string, 'UnitName'>;

export function parseUnitName(text: string): Result<UnitName, string> {
  if (text.length > 255) return fail(`'${text.slice(0, 40)}…' is over 255 characters`);
  return ok(text as UnitName);
}
