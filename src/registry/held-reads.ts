import type { HeldUnit, ReportFilter } from '../model/catalog.ts';
import type { MachineId } from '../model/ids.ts';
import type { UnitName } from '../unitfile/unit-name.ts';
import type { ReadParts } from './catalog-reads.ts';
import { memberCodec, orderCodec, placementCodec, unitCodec } from './codec.ts';
import { readKeys, readWhole } from './paged-read.ts';

/**
 * Units that wait because a machine that is away may still run them. Costs one small read while no
 * machine is away, and otherwise what the machines that are away were ordered.
 */
export async function readHeldUnits(
  parts: ReadParts,
  filter: ReportFilter,
  signal: AbortSignal,
): Promise<readonly HeldUnit[]> {
  const away = await machinesAway(parts, signal);
  if (away.length === 0) return [];
  const units = await guardedUnits(parts, away, signal);
  const asked = units.filter((unit) => filter.unit === null || filter.unit === unit);
  const { store, keys } = parts;
  const what = (key: (unit: UnitName) => string) => ({ keys: asked.map(key), revision: null });
  const placements = await readKeys(
    store,
    what((unit) => keys.placement(unit)),
    signal,
  );
  const records = await readKeys(
    store,
    what((unit) => keys.unit(unit)),
    signal,
  );
  return asked.flatMap((unit, index) => {
    const placement = placementCodec.decode(placements.items[index]?.value ?? '');
    const record = unitCodec.decode(records.items[index]?.value ?? '');
    if (!placement.ok || !record.ok || record.value.gone) return [];
    const { machine, identity, heldUntilMs, reason } = placement.value;
    if (heldUntilMs === undefined || identity !== record.value.identity) return [];
    if (machine === null || (filter.machine !== null && filter.machine !== machine)) return [];
    return [{ unit, machine, unitHash: record.value.unitHash, reason, heldUntilMs }];
  });
}

async function machinesAway(
  { store, keys }: ReadParts,
  signal: AbortSignal,
): Promise<readonly MachineId[]> {
  const ranges = [{ range: keys.all('members'), keysOnly: false }];
  const { items } = await readWhole(store, { ranges, revision: null }, signal);
  return items.flatMap(({ value }) => {
    const member = memberCodec.decode(value);
    return member.ok && member.value.vanishedMs !== null ? [member.value.id] : [];
  });
}

/** Units that these machines may still run, sorted, once each. */
async function guardedUnits(
  { store, keys }: ReadParts,
  machines: readonly MachineId[],
  signal: AbortSignal,
): Promise<readonly UnitName[]> {
  const ranges = machines.map((machine) => ({ range: keys.ordersOf(machine), keysOnly: false }));
  const { items } = await readWhole(store, { ranges, revision: null }, signal);
  const units = items.flatMap(({ key, value }) => {
    const meaning = keys.meaning(key);
    const order = orderCodec.decode(value);
    const isGuarded = order.ok && order.value.guard !== undefined;
    return meaning.kind === 'order' && isGuarded ? [meaning.unit] : [];
  });
  return [...new Set(units)].sort();
}
