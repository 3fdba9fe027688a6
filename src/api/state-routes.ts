import type { Catalog, HeldUnit, ReportFilter, ReportRow } from '../model/catalog.ts';
import type { MachineId } from '../model/ids.ts';
import { printable } from '../unitfile/problem.ts';
import { parseUnitName, type UnitName } from '../unitfile/unit-name.ts';
import { type Answer, refused } from './answer.ts';
import { apiLimits } from './limits.ts';
import { nextPage, type Query, queryText, readPageQuery } from './page-query.ts';
import {
  pageItemsMax,
  stateItemsMax,
  type UnitStateBody,
  type UnitStatePageBody,
} from './schema.ts';
import { heldStateBody, unitStateBody } from './unit-body.ts';

/** `GET /state?machineID=&unitName=`: one row for each machine that has the unit. */
export async function listStates(
  catalog: Catalog,
  { query, limitDefaultCount }: { readonly query: Query; readonly limitDefaultCount: number },
  signal: AbortSignal,
): Promise<Answer> {
  const machineText = queryText(query, 'machineID');
  if (!machineText.ok) return refused(machineText.error);
  const unitText = queryText(query, 'unitName');
  if (!unitText.ok) return refused(unitText.error);
  const listing = JSON.stringify(['state', machineText.value, unitText.value]);
  const asked = readPageQuery(query, listing, limitDefaultCount, stateItemsMax);
  if (!asked.ok) return refused(asked.error);
  const filter = readFilter(machineText.value, unitText.value);
  if (filter === null) return { status: 200, body: { states: [] } };
  // Side by side: with a slow etcd, what is read one after the other is what takes long. Only the
  // last page needs the second, and mostly the first page is that.
  const isFirst = asked.value.start === null;
  const [page, early] = await Promise.all([
    catalog.readReports(asked.value, filter, signal),
    isFirst ? catalog.readHeldUnits(filter, signal) : [],
  ]);
  const isLast = page.next === null;
  const held = isFirst || !isLast ? early : await catalog.readHeldUnits(filter, signal);
  const body: UnitStatePageBody = {
    states: [
      ...page.items.filter(isShown).map(unitStateBody),
      ...(isLast ? heldBodies(held, page.items) : []),
    ],
    ...nextPage(page, listing, asked.value.limitCount),
  };
  return { status: 200, body };
}

/** `GET /state/NAME`: the row of the first machine that has the unit. */
export async function getState(
  catalog: Catalog,
  nameText: string,
  signal: AbortSignal,
): Promise<Answer> {
  const name = parseUnitName(nameText);
  if (!name.ok) return refused(noState(nameText));
  const view = await catalog.readUnit(name.value, signal);
  const own = view?.reports.filter(isShown) ?? [];
  const rows = own.length > 0 ? own : await orphanRows(catalog, name.value, signal);
  const row = rows.find(({ machine }) => machine === view?.placement?.machine) ?? rows[0];
  if (row !== undefined) return { status: 200, body: unitStateBody(row) };
  const waiting = await catalog.readHeldUnits({ machine: null, unit: name.value }, signal);
  const [held] = heldBodies(waiting, []);
  return held === undefined ? refused(noState(nameText)) : { status: 200, body: held };
}

/** Units that run nowhere because a machine that is away may still run them. */
function heldBodies(
  held: readonly HeldUnit[],
  shown: readonly ReportRow[],
): readonly UnitStateBody[] {
  const isThere = new Set(shown.map(({ unit, machine }) => `${machine} ${unit}`));
  return held
    .filter(({ unit, machine }) => !isThere.has(`${machine} ${unit}`))
    .map((one) => heldStateBody(one, Date.now()));
}

/** What no unit of the cluster knows of, and machines have all the same. */
async function orphanRows(
  catalog: Catalog,
  unit: UnitName,
  signal: AbortSignal,
): Promise<readonly ReportRow[]> {
  const page = { start: null, limitCount: pageItemsMax };
  const { items } = await catalog.readReports(page, { machine: null, unit }, signal);
  return items.filter((row) => isShown(row) && row.report.orphan !== undefined);
}

/** null: no machine and no unit can have such a name, so nothing matches. */
function readFilter(machineText: string | null, unitText: string | null): ReportFilter | null {
  if (machineText !== null && !/^[0-9a-f]{32}$/.test(machineText)) return null;
  const unit = unitText === null ? null : parseUnitName(unitText);
  if (unit !== null && !unit.ok) return null;
  return { machine: machineText as MachineId | null, unit: unit?.value ?? null };
}

/** A machine that confirmed that a unit is gone has nothing left to show. */
function isShown({ report }: ReportRow): boolean {
  return report.current !== 'gone';
}

function noState(nameText: string): Parameters<typeof refused>[0] {
  return {
    status: 404,
    message: `no machine has the unit ${printable(nameText, apiLimits.echoLengthMax)}`,
    hint: 'GET /units/NAME says whether and why',
  };
}
