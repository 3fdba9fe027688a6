import type { OrphanOutcome, ReportRow } from '../model/catalog.ts';
import type { MachineId } from '../model/ids.ts';
import type { UnitName } from '../unitfile/unit-name.ts';
import { type ReadParts, readReportPage } from './catalog-reads.ts';
import { machineCodec, removalCodec, reportCodec } from './codec.ts';
import { limits } from './limits.ts';
import { readKeys, readWhole } from './paged-read.ts';
import type { Compare, Store } from './store.ts';
import { requireOurStore } from './store-guard.ts';
import { reportIn } from './stored-item.ts';

/** What a removal is written with. */
export interface RemovalParts extends ReadParts {
  readonly store: Store;
  readonly storeGuard: () => readonly Compare[];
}

/**
 * Records the wish to have an orphan taken down, of exactly the copy that is reported now. A copy of
 * a unit whose record is lost counts as one: nobody else could ask for its end.
 */
export async function recordRemoval(
  parts: RemovalParts,
  what: { readonly unit: UnitName; readonly machine: MachineId | null },
  signal: AbortSignal,
): Promise<OrphanOutcome> {
  const { store, keys, storeGuard } = parts;
  const { unit, machine } = what;
  const key = keys.unit(unit);
  const { items } = await readKeys(store, { keys: [key], revision: null }, signal);
  const [item = null] = items;
  const page = { start: null, limitCount: limits.pageCountMax };
  const { items: rows } = await readReportPage(parts, { page, filter: what }, signal);
  const found = rows.filter(({ report }) => report.orphan !== undefined || item === null);
  const [first, ...others] = found;
  if (first === undefined) return { kind: 'missing' };
  if (machine === null && others.length > 0) {
    return { kind: 'ambiguous', machines: found.map((row) => row.machine) };
  }
  const reportKey = keys.report(first.machine, unit);
  const there = { keys: [keys.machine(first.machine), reportKey], revision: null };
  const [alive = null, report = null] = (await readKeys(store, there, signal)).items;
  const machineRecord = machineCodec.decode(alive?.value ?? '');
  // It has just vanished, its reports with it, or the orphan is gone.
  if (!machineRecord.ok || report === null) return { kind: 'missing' };
  const { identity } = first.report;
  const value = removalCodec.encode({ identity, bootId: machineRecord.value.bootId });
  const put = {
    kind: 'put',
    key: keys.removal(first.machine, unit),
    value,
    leaseId: null,
  } as const;
  const unchanged: Compare =
    item === null ? { kind: 'absent', key } : { kind: 'modified', key, at: item.modRevision };
  // A wish that lands late, after the orphan is gone, would wait for it as long as the machine runs.
  const isThere: Compare = { kind: 'created', key: reportKey, at: report.createRevision };
  const onlyIf = [unchanged, isThere, ...storeGuard()];
  const answer = await store.txn({ onlyIf, writes: [put] }, signal);
  if (answer.succeeded) return { kind: 'asked', machine: first.machine };
  await requireOurStore(parts, signal);
  return { kind: 'missing' }; // gone, or submitted meanwhile: what runs may just be adopted
}

/** All orphans, by machine and unit; few in a store of many reports, which are not decoded. */
export async function readOrphanRows(
  { store, keys }: ReadParts,
  signal: AbortSignal,
): Promise<readonly ReportRow[]> {
  const ranges = [{ range: keys.all('state'), keysOnly: false }];
  const { items } = await readWhole(store, { ranges, revision: null }, signal);
  const read = reportIn(keys);
  return items
    .filter(({ value }) => value.includes('"orphan"') && reportCodec.decode(value).ok)
    .flatMap((item) => read(item) ?? [])
    .filter(({ report }) => report.orphan !== undefined);
}
