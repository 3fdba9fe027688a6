import { parseUnitFile, type UnitFile } from '../../src/unitfile/unit-file.ts';
import { parseUnitName, type UnitName } from '../../src/unitfile/unit-name.ts';

/** The parsed file of a text that is known to be right. */
export function aUnitFile(text: string): UnitFile {
  const parsed = parseUnitFile(text);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
  return parsed.value;
}

/** A name that is known to be right. */
export function aUnitName(text: string): UnitName {
  const parsed = parseUnitName(text);
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value;
}
