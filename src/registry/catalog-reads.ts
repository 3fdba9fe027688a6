import type { Page, PageRequest, ReportRow, UnitPageRequest, UnitView } from '../model/catalog.ts';
import type { MachineId, Revision } from '../model/ids.ts';
import type { Machine } from '../model/machine.ts';
import type { Placement } from '../model/placement.ts';
import type { UnitRecord } from '../model/unit.ts';
import type { UnitName } from '../unitfile/unit-name.ts';
import { metadataCodec, placementCodec } from './codec.ts';
import type { Keys } from './keys.ts';
import { limits } from './limits.ts';
import { withMetadata } from './machine-view.ts';
import { readAtOnce, readKeys, readPage, readWhole } from './paged-read.ts';
import type { KeyRange, RangeAnswer, RangeRequest, Store, StoredItem } from './store.ts';
import { machineIn, reportIn, type StoredUnit, unitIn } from './stored-item.ts';

/** What reading needs. */
export interface ReadParts {
  readonly store: Store;
  readonly keys: Keys;
}

/** One page of units. Destroyed and unreadable ones take no place in it. */
export async function readUnitPage(
  parts: ReadParts,
  page: UnitPageRequest,
  signal: AbortSignal,
): Promise<Page<UnitView>> {
  const { keys } = parts;
  const shown = await readShown(parts, { page, range: keys.all('units') }, unitIn(keys), signal);
  const { items: units, revision } = shown;
  const items = await unitViews(parts, { units, revision, isBrief: page.isBrief === true }, signal);
  return { ...shown, items };
}

/** One page of reports, by machine and unit; confirmations that a unit is gone are left out. */
export async function readReportPage(
  parts: ReadParts,
  what: {
    readonly page: PageRequest;
    readonly filter: { readonly machine: MachineId | null; readonly unit: UnitName | null };
  },
  signal: AbortSignal,
): Promise<Page<ReportRow>> {
  const { keys } = parts;
  const { page, filter } = what;
  const read = reportIn(keys);
  if (filter.unit === null) {
    const range = filter.machine === null ? keys.all('state') : keys.reportsOf(filter.machine);
    return readShown(parts, { page, range }, read, signal);
  }
  const reading = await machineIds(parts, page.start?.revision ?? null, signal);
  const machines = filter.machine === null ? reading.machines : [filter.machine];
  const unit = filter.unit;
  const after = page.start?.after ?? '';
  const found = await readKeys(
    parts.store,
    {
      keys: machines.filter((id) => `${id}/${unit}` > after).map((id) => keys.report(id, unit)),
      revision: reading.revision,
    },
    signal,
  );
  const rows = found.items.flatMap((item) => (item === null ? [] : (read(item) ?? [])));
  const items = rows.slice(0, page.limitCount);
  const last = items.at(-1);
  const next =
    rows.length > items.length && last !== undefined
      ? { revision: reading.revision, after: `${last.machine}/${last.unit}` }
      : null;
  return { revision: reading.revision, items, next };
}

/** One page of machines that are alive, with their metadata as it counts now. */
export async function readMachinePage(
  parts: ReadParts,
  page: PageRequest,
  signal: AbortSignal,
): Promise<Page<Machine>> {
  const { keys } = parts;
  const range = keys.all('machines');
  const metadata = { ranges: [{ range: keys.all('metadata'), keysOnly: false }], revision: null };
  // Side by side: mostly the store has not moved in between, and one round is enough.
  const [shown, all] = await Promise.all([
    readShown(parts, { page, range }, machineIn(keys), signal),
    page.start === null ? readWhole(parts.store, metadata, signal) : null,
  ]);
  const first = shown.items[0];
  const last = shown.items.at(-1);
  if (first === undefined || last === undefined) return shown;
  const between = {
    from: keys.metadata(first.id, ''),
    to: `${keys.metadata(last.id, '')}\uffff`,
  };
  const isOfOne = all?.revision === shown.revision;
  const stored = isOfOne ? all.items : await readRange(parts, between, shown.revision, signal);
  const overlays = new Map<MachineId, Map<string, string>>();
  for (const item of stored) {
    const meaning = keys.meaning(item.key);
    const value = metadataCodec.decode(item.value);
    if (meaning.kind !== 'metadata' || !value.ok) continue;
    const overlay = overlays.get(meaning.machine) ?? new Map<string, string>();
    overlays.set(meaning.machine, overlay.set(meaning.name, value.value.value));
  }
  const items = shown.items.map((machine) => withMetadata(machine, overlays.get(machine.id)));
  return { ...shown, items };
}

/** Reads on until the page is full of what can be shown, or the range ends. */
export async function readShown<T>(
  parts: ReadParts,
  what: { readonly page: PageRequest; readonly range: KeyRange },
  show: (item: StoredItem) => T | null,
  signal: AbortSignal,
): Promise<Page<T>> {
  const { page, range } = what;
  const limitCount = Math.max(page.limitCount, 1);
  const collection = collectionOf(parts.keys, range);
  const items: T[] = [];
  const read = (from: string, count: number, at: Revision | null): Promise<RangeAnswer> => {
    const some = Math.min(count, limits.pageCountMax);
    const reach = { from, to: range.to };
    const request = { range: reach, limitCount: some, revision: at, keysOnly: false };
    return readPage(parts.store, request, signal);
  };
  const first = page.start === null ? range.from : `${collection}${page.start.after}\0`;
  let reading = read(first, limitCount, page.start?.revision ?? null);
  for (;;) {
    const answer = await reading;
    const { revision } = answer;
    const last = answer.items.at(-1);
    const leftCount = limitCount - items.length - answer.items.length;
    // What comes next is on its way while this is looked at.
    const from = `${last?.key}\0`;
    const early = answer.hasMore && leftCount > 0 ? read(from, leftCount, revision) : null;
    early?.catch(() => 'told when its turn comes, if it does');
    for (const [index, item] of answer.items.entries()) {
      const shown = show(item);
      if (shown !== null) items.push(shown);
      const isLast = !answer.hasMore && index === answer.items.length - 1;
      if (items.length === limitCount && !isLast) {
        return { revision, items, next: { revision, after: item.key.slice(collection.length) } };
      }
    }
    if (!answer.hasMore || last === undefined) return { revision, items, next: null };
    reading = early ?? read(from, limitCount - items.length, revision);
  }
}

/** `PREFIX/units/`: what is cut off a key to get its place in the collection's order. */
function collectionOf(keys: Keys, range: KeyRange): string {
  return range.from.slice(0, range.from.indexOf('/', keys.prefix.length) + 1);
}

async function unitViews(
  parts: ReadParts,
  what: {
    readonly units: readonly StoredUnit[];
    readonly revision: Revision;
    readonly isBrief: boolean;
  },
  signal: AbortSignal,
): Promise<readonly UnitView[]> {
  const { units, revision, isBrief } = what;
  const [first, last] = [units[0], units.at(-1)];
  if (first === undefined || last === undefined) return [];
  const { store, keys } = parts;
  const textKeys = isBrief ? [] : units.map((unit) => keys.text(unit.record.contentHash));
  const between = { from: keys.placement(first.name), to: `${keys.placement(last.name)}\0` };
  const [texts, placed, reports] = await Promise.all([
    readKeys(store, { keys: textKeys, revision }, signal),
    readRange(parts, between, revision, signal),
    reportsBetween(parts, [first.name, last.name], revision, signal),
  ]);
  const placements = placementsIn(keys, placed);
  return units.map(({ name, record }, index) => ({
    name,
    record,
    text: texts.items[index]?.value ?? '',
    placement: ofIdentity(placements.get(name), record),
    reports: (reports.get(name) ?? []).filter((row) => row.report.identity === record.identity),
  }));
}

/** A placement that is about this submission of its unit; null for any other. */
export function ofIdentity(
  placement: Placement | null | undefined,
  record: UnitRecord,
): Placement | null {
  return placement?.identity === record.identity ? placement : null;
}

/** null: there is none, or it is not understood. */
export function placementIn(item: StoredItem | null): Placement | null {
  const placement = item === null ? null : placementCodec.decode(item.value);
  return placement?.ok === true ? placement.value : null;
}

function placementsIn(keys: Keys, items: readonly StoredItem[]): Map<UnitName, Placement> {
  const placements = new Map<UnitName, Placement>();
  for (const item of items) {
    const meaning = keys.meaning(item.key);
    const placement = placementIn(item);
    if (meaning.kind === 'placement' && placement !== null) placements.set(meaning.unit, placement);
  }
  return placements;
}

/** What every machine says of the units from the first to the last name. */
async function reportsBetween(
  parts: ReadParts,
  names: readonly [UnitName, UnitName],
  revision: Revision,
  signal: AbortSignal,
): Promise<Map<UnitName, ReportRow[]>> {
  const { machines } = await machineIds(parts, revision, signal);
  const ranges = machines.map((machine) => ({
    from: parts.keys.report(machine, names[0]),
    to: `${parts.keys.report(machine, names[1])}\0`,
  }));
  const rows = new Map<UnitName, ReportRow[]>();
  const read = reportIn(parts.keys);
  for (const item of await readRanges(parts, ranges, revision, signal)) {
    const row = read(item);
    if (row === null) continue;
    const known = rows.get(row.unit);
    if (known === undefined) rows.set(row.unit, [row]);
    else known.push(row);
  }
  return rows;
}

/** Many small ranges in few requests; a range that is not small after all is read on by itself. */
async function readRanges(
  parts: ReadParts,
  ranges: readonly KeyRange[],
  revision: Revision,
  signal: AbortSignal,
): Promise<readonly StoredItem[]> {
  const items: StoredItem[] = [];
  for (let start = 0; start < ranges.length; start += limits.batchOpsMax) {
    const requests = ranges.slice(start, start + limits.batchOpsMax).map(
      (range): RangeRequest => ({
        range,
        limitCount: limits.pageCountMax,
        revision,
        keysOnly: false,
      }),
    );
    const answer = await readAtOnce(parts.store, requests, signal);
    for (const [index, one] of answer.entries()) {
      for (const item of one.items) items.push(item);
      const [last, request] = [one.items.at(-1), requests[index]];
      if (!one.hasMore || last === undefined || request === undefined) continue;
      const rest = { from: `${last.key}\0`, to: request.range.to };
      for (const item of await readRange(parts, rest, revision, signal)) items.push(item);
    }
  }
  return items;
}

/** The machines that are alive, sorted: only they have reports. */
async function machineIds(
  parts: ReadParts,
  revision: Revision | null,
  signal: AbortSignal,
): Promise<{ readonly revision: Revision; readonly machines: readonly MachineId[] }> {
  const ranges = [{ range: parts.keys.all('machines'), keysOnly: true }];
  const reading = await readWhole(parts.store, { ranges, revision }, signal);
  return {
    revision: reading.revision,
    machines: reading.items.flatMap(machineIdIn(parts.keys)),
  };
}

/** Reads a key of `machines/`; nothing for any other. */
export function machineIdIn(keys: Keys): (item: StoredItem) => readonly MachineId[] {
  return (item) => {
    const meaning = keys.meaning(item.key);
    return meaning.kind === 'machine' ? [meaning.machine] : [];
  };
}

async function readRange(
  parts: ReadParts,
  range: KeyRange,
  revision: Revision,
  signal: AbortSignal,
): Promise<readonly StoredItem[]> {
  const ranges = [{ range, keysOnly: false }];
  return (await readWhole(parts.store, { ranges, revision }, signal)).items;
}
