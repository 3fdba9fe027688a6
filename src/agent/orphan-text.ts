import { readRequirements } from '../unitfile/requirements.ts';
import { parseUnitFile, unitOptions } from '../unitfile/unit-file.ts';
import { type ContentHash, contentHash, type UnitHash, unitHash } from '../unitfile/unit-hash.ts';
import type { UnitName } from '../unitfile/unit-name.ts';

/** What the file of a unit says that no order describes. */
export interface OrphanText {
  readonly contentHash: ContentHash;
  /** null: it cannot be parsed. */
  readonly unitHash: UnitHash | null;
  /** Globs of names it does not share a machine with. */
  readonly avoids: readonly string[];
}

/** Reads it; total. */
export function orphanText(name: UnitName, text: string): OrphanText {
  const hash = contentHash(text);
  const file = parseUnitFile(text);
  if (!file.ok) return { contentHash: hash, unitHash: null, avoids: [] };
  const read = readRequirements(file.value, name);
  const { conflicts, replaces } = read.ok
    ? read.value.requirements
    : { conflicts: [], replaces: [] };
  return {
    contentHash: hash,
    unitHash: unitHash(unitOptions(file.value)),
    avoids: [...conflicts, ...replaces],
  };
}
