// What an operator sees of a cluster: lists, notices, log lines, metrics.
// Knows fleetctl's words and the names of metrics; nothing of what a fault is.
// Start with seesNothing(), which is what most faults of a cluster's parts should look like.
import { expect } from 'vitest';
import { names, whole } from './mixed-units.ts';
import { patience, type TestFleet } from './with-fleet.ts';

/** The lines that the fleetd of a machine wrote since then, as one text. */
export function loggedSince(fleet: TestFleet, machine: string, sinceMs: number): Promise<string> {
  return journalSince(fleet, machine, 'fleet.service', sinceMs);
}

/** What a unit, and systemd about it, wrote since then. */
export function journalSince(
  fleet: TestFleet,
  machine: string,
  unit: string,
  sinceMs: number,
): Promise<string> {
  const since = `@${(sinceMs / 1000).toFixed(3)}`;
  return fleet.script(machine, `journalctl -u ${unit} -o cat --no-pager --since ${since}`);
}

/** Waits until the fleetd of a machine has written such a line since then. */
export async function saysSince(
  fleet: TestFleet,
  machine: string,
  sinceMs: number,
  words: RegExp | string,
): Promise<void> {
  const said = (): Promise<string> => loggedSince(fleet, machine, sinceMs);
  if (typeof words === 'string') await expect.poll(said, patience).toContain(words);
  else await expect.poll(said, patience).toMatch(words);
}

/** A metric of a machine, such as `fleet_store_frozen{why="store-went-back"}`; NaN: it has none. */
export async function metricOf(fleet: TestFleet, machine: string, sample: string): Promise<number> {
  const ask = 'curl -sf --unix-socket /run/fleet.sock http://fleet/metrics || true';
  const lines = (await fleet.script(machine, ask)).split('\n');
  const line = lines.find((text) => text.startsWith(`${sample} `));
  return line === undefined ? Number.NaN : Number(line.slice(sample.length + 1));
}

/** The sum of all samples of a metric with that name, whatever their labels. */
export async function metricSum(fleet: TestFleet, machine: string, name: string): Promise<number> {
  const ask = 'curl -sf --unix-socket /run/fleet.sock http://fleet/metrics || true';
  const lines = (await fleet.script(machine, ask)).split('\n');
  const samples = lines.filter((text) => /^[^#]/.test(text) && text.split(/[ {]/)[0] === name);
  return samples.reduce((sum, text) => sum + Number(text.split(' ').at(-1)), 0);
}

/** Those that `list-machines` shows, by their names here; what it says besides is on stderr. */
export async function listedBy(
  fleet: TestFleet,
  via: string,
): Promise<{ readonly machines: readonly string[]; readonly notices: string }> {
  const ran = await fleet.fleetctl(['list-machines', '--no-legend', '--full'], { via });
  const { machines } = await fleet.lab.status();
  const ids = ran.stdout.split('\n').map((line) => line.split('\t')[0]);
  const listed = machines.filter(({ id }) => ids.includes(id)).map(({ name }) => name);
  return { machines: listed, notices: ran.stderr };
}

/** The rows of `list-units` in these fields, one tab between them. */
export async function unitRows(
  fleet: TestFleet,
  via: string,
  fields: string,
): Promise<readonly string[]> {
  const ran = await fleet.fleetctl(['list-units', '--no-legend', '--fields', fields], { via });
  const lines = ran.stdout.split('\n').filter((line) => line !== '');
  return lines.map((line) => line.replaceAll(/\t+/g, '\t'));
}

/** The units that `list-units` shows as active, one entry a copy; without the probes, sorted. */
export async function unitsActive(fleet: TestFleet, via: string): Promise<readonly string[]> {
  const rows = await unitRows(fleet, via, 'unit,active');
  const active = rows.filter((row) => row.endsWith('\tactive')).map((row) => row.split('\t')[0]);
  return names(active.map((unit = '') => ({ unit, machine: '', invocationId: '' })));
}

/**
 * Asked through each of `vias`, all is as usual: every machine is listed, every unit is active and
 * there is no notice; and each of them holds its lease.
 */
export async function seesNothing(
  fleet: TestFleet,
  machines: readonly string[],
  vias: readonly string[] = machines,
): Promise<void> {
  const usual = { machines: [...machines], notices: '' };
  const through = async (via: string): Promise<void> => {
    await expect.poll(() => listedBy(fleet, via), patience).toEqual(usual);
    await expect.poll(() => unitsActive(fleet, via), patience).toEqual(whole(machines));
    expect(await metricOf(fleet, via, 'fleet_lease_held'), via).toBe(1);
    expect(await metricSum(fleet, via, 'fleet_notices'), via).toBe(0);
  };
  await Promise.all(vias.map(through));
}

/** A unit is started and stopped again; a cluster that finds itself refuses that for a moment. */
export async function takesOrders(fleet: TestFleet, unit: string): Promise<void> {
  for (const verb of [['start', '--wait'], ['stop']]) {
    const ask = async (): Promise<number> => (await fleet.fleetctl([...verb, unit])).status;
    await expect.poll(ask, patience).toBe(0);
  }
}

/** fleetctl fails, through that machine, and says that it is etcd which is away. */
export async function refusesForEtcd(fleet: TestFleet, via: string): Promise<void> {
  for (const list of ['list-machines', 'list-units']) {
    const asked = await fleet.fleetctl([list], { via });
    expect([asked.status, asked.stdout]).toEqual([1, '']);
    expect(asked.stderr).toContain('etcd');
  }
}

/** The machine's copies go on without its lease: its log says so, and its metric. */
export async function goesOnAlone(
  fleet: TestFleet,
  machine: string,
  sinceMs: number,
): Promise<void> {
  await saysSince(fleet, machine, sinceMs, /lease (not renewed|lost), leaving units as they are/);
  const sample = 'fleet_lease_renewed_ago_seconds';
  const isStale = async (): Promise<boolean> => {
    const agoSeconds = await metricOf(fleet, machine, sample);
    return agoSeconds > 1.5 || (await metricOf(fleet, machine, 'fleet_lease_held')) === 0;
  };
  await expect.poll(isStale, patience).toBe(true);
}
