import { messageOf } from '../lib/error.ts';
import type { UnitName } from '../unitfile/unit-name.ts';
import type { BusConnection } from './dbus-connection.ts';
import { isRefusal } from './dbus-error.ts';
import {
  managerInterface,
  managerPath,
  propertiesInterface,
  systemdName,
  unitInterface,
} from './dbus-names.ts';
import { agentLimits } from './limits.ts';
import { unitObjectPath } from './object-path.ts';
import type { UnitChange, UnitStatus } from './systemd.ts';

type Row = Pick<UnitStatus, 'load' | 'active' | 'sub' | 'hasJob'>;

const absent: UnitStatus = {
  load: 'not-found',
  active: 'inactive',
  sub: 'dead',
  fragmentPath: '',
  needReload: false,
  invocationId: '',
  hasJob: false,
  loadError: '',
};

/**
 * What systemd says of units: one call for the states of many, then a few properties of those that
 * exist. Looking at a unit that is not in memory makes systemd load it and let it go again.
 */
export async function listUnits(
  connection: BusConnection,
  names: readonly UnitName[],
): Promise<ReadonlyMap<UnitName, UnitStatus>> {
  const statuses = new Map<UnitName, UnitStatus>();
  for (let start = 0; start < names.length; start += agentLimits.listNamesCountMax) {
    const some = names.slice(start, start + agentLimits.listNamesCountMax);
    const rows = await listRows(connection, some);
    const full = await Promise.all(some.map((name) => statusOf(connection, name, rows.get(name))));
    for (const [index, name] of some.entries()) statuses.set(name, full[index] ?? absent);
  }
  return statuses;
}

/** One property of a unit, by D-Bus type; throws FleetError when systemd refuses. */
export async function unitProperty(
  connection: BusConnection,
  name: string,
  property: string,
  of: string = unitInterface,
): Promise<unknown> {
  const [variant] = await connection.call({
    destination: systemdName,
    path: unitObjectPath(name),
    interface: propertiesInterface,
    member: 'Get',
    signature: 'ss',
    body: [of, property],
  });
  return valueIn(variant);
}

/** What a PropertiesChanged signal says, in the words of `UnitStatus`. */
export function changeOf(properties: unknown): UnitChange {
  const has = (name: string): unknown =>
    typeof properties === 'object' && properties !== null
      ? valueIn(Reflect.get(properties, name))
      : undefined;
  const active = has('ActiveState');
  const sub = has('SubState');
  const invocation = has('InvocationID');
  const job = has('Job');
  return {
    ...(typeof active === 'string' ? { active } : {}),
    ...(typeof sub === 'string' ? { sub } : {}),
    ...(invocation instanceof Uint8Array || Array.isArray(invocation)
      ? { invocationId: hexOf(invocation) }
      : {}),
    ...(Array.isArray(job) ? { hasJob: job[0] !== 0 } : {}),
  };
}

async function listRows(
  connection: BusConnection,
  names: readonly UnitName[],
): Promise<ReadonlyMap<string, Row>> {
  const [rows] = await connection.call({
    destination: systemdName,
    path: managerPath,
    interface: managerInterface,
    member: 'ListUnitsByNames',
    signature: 'as',
    body: [names],
  });
  return new Map(
    (Array.isArray(rows) ? rows : []).map((row: readonly unknown[]) => [
      String(row[0]),
      {
        load: String(row[2]),
        active: String(row[3]),
        sub: String(row[4]),
        hasJob: row[7] !== 0,
      },
    ]),
  );
}

async function statusOf(
  connection: BusConnection,
  name: UnitName,
  row: Row | undefined,
): Promise<UnitStatus> {
  if (row?.load === 'not-found' && row.active === 'inactive') return { ...absent, ...row };
  try {
    const get = (property: string): Promise<unknown> => unitProperty(connection, name, property);
    const [fragmentPath, needReload, invocation, loadError] = await Promise.all([
      get('FragmentPath'),
      get('NeedDaemonReload'),
      row?.active === 'inactive' ? '' : get('InvocationID'),
      row?.load === 'loaded' ? '' : get('LoadError'),
    ]);
    return {
      ...(row ?? (await rowOfAlias(get))),
      fragmentPath: String(fragmentPath),
      needReload: needReload === true,
      invocationId: hexOf(invocation),
      loadError: Array.isArray(loadError) ? String(loadError[1]) : '',
    };
  } catch (error) {
    // One name that systemd does not want to hear spoils nothing else.
    if (!isRefusal(error)) throw error;
    return { ...absent, load: 'error', loadError: messageOf(error) };
  }
}

/** A name that systemd lists under another one: an alias. */
async function rowOfAlias(get: (property: string) => Promise<unknown>): Promise<Row> {
  const [load, active, sub] = await Promise.all([
    get('LoadState'),
    get('ActiveState'),
    get('SubState'),
  ]);
  return { load: String(load), active: String(active), sub: String(sub), hasJob: false };
}

function valueIn(variant: unknown): unknown {
  return typeof variant === 'object' && variant !== null && 'value' in variant
    ? variant.value
    : undefined;
}

function hexOf(bytes: unknown): string {
  return bytes instanceof Uint8Array || Array.isArray(bytes)
    ? Buffer.from(bytes).toString('hex')
    : '';
}
