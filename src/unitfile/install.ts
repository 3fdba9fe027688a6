import { resolveSpecifiers, specifierValues } from './specifiers.ts';
import { optionValues, parseUnitFile, type UnitFile } from './unit-file.ts';
import { parseUnitName, refusedName, type UnitName, unitNameParts } from './unit-name.ts';

/** What `[Install]` asks for when a unit is enabled. */
export interface Installation {
  /** Units that pull this one in: `WantedBy=` and `RequiredBy=`. */
  readonly pulledInBy: readonly { readonly by: UnitName; readonly how: 'wants' | 'requires' }[];
  /** Further names of the unit; of its own type, and none that is refused for a unit. */
  readonly aliases: readonly UnitName[];
}

/**
 * Reads `[Install]`. What systemd would ignore is left out (no unit name, a specifier we do not
 * know), and so are `Also=` (each unit is enabled by its own order) and `DefaultInstance=`
 * (templates are never enabled).
 */
export function readInstallation(text: string, name: UnitName): Installation {
  const parsed = text.includes('[Install]') ? parseUnitFile(text) : null;
  if (parsed === null || !parsed.ok) return { pulledInBy: [], aliases: [] };
  const file = parsed.value;
  const { type } = unitNameParts(name);
  return {
    pulledInBy: [
      ...namesIn(file, 'WantedBy', name).map((by) => ({ by, how: 'wants' as const })),
      ...namesIn(file, 'RequiredBy', name).map((by) => ({ by, how: 'requires' as const })),
    ],
    aliases: namesIn(file, 'Alias', name).filter(
      (alias) =>
        alias !== name && unitNameParts(alias).type === type && refusedName(alias) === null,
    ),
  };
}

/** Sorted, without repeats. */
function namesIn(file: UnitFile, option: string, name: UnitName): readonly UnitName[] {
  const names = optionValues(file, 'Install', option).flatMap((value) => {
    const resolved = resolveSpecifiers(value, specifierValues(name));
    return resolved.ok ? resolved.value.split(/\s+/) : [];
  });
  return [...new Set(names)].sort().flatMap((text) => {
    const parsed = parseUnitName(text);
    return parsed.ok && !unitNameParts(parsed.value).isTemplate ? [parsed.value] : [];
  });
}
