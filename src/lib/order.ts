import { createHash } from 'node:crypto';

/** Compares two strings by code unit: the same answer on every machine and in every locale. */
export function byText(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

/**
 * A 48-bit number that depends on all `parts` and on nothing else: ties are broken by it, so that
 * they fall differently for each pair and equally on every machine.
 */
export function hashRank(...parts: readonly string[]): number {
  return createHash('sha256').update(parts.join('\0')).digest().readUIntBE(0, 6);
}
