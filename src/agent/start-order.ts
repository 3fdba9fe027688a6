import { byText } from '../lib/order.ts';
import { resolveSpecifiers, specifierValues } from '../unitfile/specifiers.ts';
import { optionValues, parseUnitFile, type UnitFile } from '../unitfile/unit-file.ts';
import type { UnitName } from '../unitfile/unit-name.ts';

/** Options that name units which are started before this one, or with it. */
const firstOptions = ['After', 'Requires', 'BindsTo', 'Requisite', 'Wants', 'PartOf'] as const;

/**
 * The order in which start jobs are asked for: what others wait for comes first, else by name.
 * systemd orders the jobs it knows of; so it has to know the first of two before the second, or at
 * the same time. A circle is cut at its first name.
 */
export function startOrder(texts: ReadonlyMap<UnitName, string>): readonly UnitName[] {
  const names = [...texts.keys()].sort(byText);
  const firsts = firstsOf(texts, names);
  const ordered = new Set<UnitName>();
  const visiting = new Set<UnitName>();
  const visit = (name: UnitName): void => {
    if (visiting.has(name)) return;
    visiting.add(name);
    for (const first of firsts.get(name) ?? []) visit(first);
    ordered.add(name);
  };
  for (const name of names) visit(name);
  return [...ordered];
}

/** For each unit those of `names` that come before it, sorted. */
function firstsOf(
  texts: ReadonlyMap<UnitName, string>,
  names: readonly UnitName[],
): ReadonlyMap<UnitName, readonly UnitName[]> {
  const known: ReadonlySet<string> = new Set(names);
  const firsts = new Map<UnitName, Set<UnitName>>(names.map((name) => [name, new Set()]));
  for (const [name, text] of texts) {
    const parsed = parseUnitFile(text);
    if (!parsed.ok) continue; // systemd may still like it; it is only not ordered by us
    for (const option of firstOptions) {
      for (const first of namesIn(parsed.value, option, name)) {
        if (known.has(first)) firsts.get(name)?.add(first);
      }
    }
    for (const second of namesIn(parsed.value, 'Before', name)) firsts.get(second)?.add(name);
  }
  return new Map([...firsts].map(([name, set]) => [name, [...set].sort(byText)]));
}

function namesIn(file: UnitFile, option: string, name: UnitName): readonly UnitName[] {
  return optionValues(file, 'Unit', option).flatMap((value) => {
    const resolved = resolveSpecifiers(value, specifierValues(name));
    return resolved.ok ? (resolved.value.split(/\s+/) as UnitName[]) : [];
  });
}
