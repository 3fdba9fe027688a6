import type { Brand } from '../lib/brand.ts';

/** SHA-1 (40 hex digits) of the options in the normal form of API v1; what tables show. */
export type UnitHash = Brand<string, 'UnitHash'>;

/** SHA-256 (64 hex digits) of the unit text's bytes; what texts are stored under. */
export type ContentHash = Brand<string, 'ContentHash'>;
