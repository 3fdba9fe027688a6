import { createHash } from 'node:crypto';
import type { Brand } from '../lib/brand.ts';
import { textFromOptions, type UnitOption } from './unit-file.ts';

/** SHA-1 (40 hex digits) of the options in the normal form of API v1; what tables show. */
export type UnitHash = Brand<string, 'UnitHash'>;

/** SHA-256 (64 hex digits) of the unit text's bytes; what texts are stored under. */
export type ContentHash = Brand<string, 'ContentHash'>;

/** The hash fleet 1.0 gives a unit: blind to comments, blank lines and repeated section headers. */
export function unitHash(options: readonly UnitOption[]): UnitHash {
  return createHash('sha1').update(textFromOptions(options)).digest('hex') as UnitHash;
}

/** The hash of the text itself, as UTF-8. */
export function contentHash(text: string): ContentHash {
  return createHash('sha256').update(text).digest('hex') as ContentHash;
}
