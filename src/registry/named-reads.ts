import type { NamedUnits, ReportRow, UnitView } from '../model/catalog.ts';
import type { MachineId, Revision } from '../model/ids.ts';
import type { UnitName } from '../unitfile/unit-name.ts';
import { machineIdIn, ofIdentity, placementIn, type ReadParts } from './catalog-reads.ts';
import { unitCodec } from './codec.ts';
import { limits } from './limits.ts';
import { readAtOnce, readKeys, readWhole } from './paged-read.ts';
import { oneKey, type RangeRequest, type StoredItem } from './store.ts';
import { undecodable } from './store-guard.ts';
import { reportIn, type StoredUnit } from './stored-item.ts';

/**
 * Units by their names, in that order and at one revision; what is not there or was destroyed is
 * left out. Two requests to the store for one unit. Throws when one is not understood.
 */
export async function readUnitsNamed(
  parts: ReadParts,
  { names, isBrief }: NamedUnits,
  signal: AbortSignal,
): Promise<readonly UnitView[]> {
  const { store, keys } = parts;
  const asked = [...names.map((name) => keys.unit(name)), ...names.map((n) => keys.placement(n))];
  const { machines, items, revision } = await readBesideMachines(parts, asked, signal);
  const units = names.flatMap((name, index) => storedUnit(name, items[index] ?? null));
  const texts = isBrief ? [] : units.map(({ record }) => keys.text(record.contentHash));
  const reports = units.flatMap(({ name }) => machines.map((id) => keys.report(id, name)));
  const wanted = [...new Set([...texts, ...reports])];
  const found = await readKeys(store, { keys: wanted, revision }, signal);
  const byKey = new Map(wanted.map((key, index) => [key, found.items[index] ?? null]));
  const placed = new Map(names.map((name, index) => [name, items[names.length + index] ?? null]));
  const readReport = reportIn(keys);
  return units.map(({ name, record }) => ({
    name,
    record,
    text: byKey.get(keys.text(record.contentHash))?.value ?? '',
    placement: ofIdentity(placementIn(placed.get(name) ?? null), record),
    reports: machines.flatMap((id): readonly ReportRow[] => {
      const item = byKey.get(keys.report(id, name)) ?? null;
      const row = item === null ? null : readReport(item);
      return row?.report.identity === record.identity ? [row] : [];
    }),
  }));

  function storedUnit(name: UnitName, item: StoredItem | null): readonly StoredUnit[] {
    if (item === null) return [];
    const record = unitCodec.decode(item.value);
    if (!record.ok) throw undecodable(item.key, record.error);
    return record.value.gone ? [] : [{ name, record: record.value }];
  }
}

/** Keys, and in the same request the machines that are alive: only they have reports. */
async function readBesideMachines(
  { store, keys }: ReadParts,
  asked: readonly string[],
  signal: AbortSignal,
): Promise<{
  readonly machines: readonly MachineId[];
  readonly items: readonly (StoredItem | null)[];
  readonly revision: Revision | null;
}> {
  const all = keys.all('machines');
  const firstCount = limits.batchOpsMax - 1;
  const requests: readonly RangeRequest[] = [
    { range: all, limitCount: limits.pageCountMax, revision: null, keysOnly: true },
    ...asked.slice(0, firstCount).map((key) => ({
      ...{ range: oneKey(key), limitCount: 1, revision: null, keysOnly: false },
    })),
  ];
  const [machines, ...first] = await readAtOnce(store, requests, signal);
  const revision = machines?.revision ?? null;
  const later = await readKeys(store, { keys: asked.slice(firstCount), revision }, signal);
  const last = machines?.items.at(-1);
  const from = machines?.hasMore === true && last !== undefined ? `${last.key}\0` : null;
  const ranges = from === null ? [] : [{ range: { from, to: all.to }, keysOnly: true }];
  const more = await readWhole(store, { ranges, revision }, signal);
  return {
    machines: [...(machines?.items ?? []), ...more.items].flatMap(machineIdIn(keys)),
    items: [...first.map((one) => one.items[0] ?? null), ...later.items],
    revision,
  };
}
