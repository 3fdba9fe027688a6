import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  listedBy,
  loggedSince,
  metricOf,
  saysSince,
  seesNothing,
  takesOrders,
} from './fault-sights.ts';
import { type FaultCase, harmless, look, settledMs } from './fault-story.ts';
import { probeOf, startMixedUnits } from './mixed-units.ts';
import { invocations, patience, placed, sleeper, withFleet } from './with-fleet.ts';

const machines = ['m1', 'm2', 'm3'] as const;
const ttlMs = 3000;
const fleet = withFleet({ agentTtl: '3s' });
const prefix = '/_coreos.com/fleet/';

/** Puts a value as another hand would, on the lease that the key hangs on if it has one. */
async function put(key: string, value: string): Promise<void> {
  const isThere = (await fleet.stored(key)) !== null;
  const flags = isThere ? ['--ignore-lease'] : [];
  const command = ['env', 'ETCDCTL_API=3', 'etcdctl', 'put', ...flags, `${prefix}${key}`];
  const ran = await fleet.lab.exec('m1', command, { input: value });
  expect(ran.status, `${key}: ${ran.stderr}`).toBe(0);
}

/** What each key held before; null for one that was not there. */
const originals = new Map<string, string | null>();

async function spoil(key: string, spoiled: (original: string) => string): Promise<void> {
  const original = (await fleet.stored(key))?.value ?? null;
  originals.set(key, original);
  await put(key, spoiled(original ?? '{}'));
}

async function restoreAll(): Promise<void> {
  for (const [key, original] of originals) {
    if (original !== null) await put(key, original);
    else await fleet.script('m1', `ETCDCTL_API=3 etcdctl del ${prefix}${key}`);
  }
  originals.clear();
}

/** Cut off in the middle, as a disk that lies leaves it; and a format of the far future. */
const torn = (original: string): string => `${original.slice(0, original.length / 2)}\u0000`;
const newer = (original: string): string =>
  JSON.stringify({ ...(JSON.parse(original) as object), format: 99 });

async function idOf(name: string): Promise<string> {
  return (await fleet.lab.machine(name)).id;
}

async function placeOf(unit: string): Promise<string> {
  const [place = ''] = await fleet.placesOf(unit);
  return idOf(place);
}

/** A key of each kind that is understood by its kind, each about something else. */
async function keysOfEveryKind(): Promise<readonly string[]> {
  const follower = machines.find((name) => name !== lead) ?? '';
  return [
    `machines/${await idOf(follower)}`,
    `members/${await idOf('m1')}`,
    `metadata/${await idOf(follower)}/colour`,
    `forget/${await idOf('m2')}`,
    'units/app@1.service',
    'placement/app@2.service',
    `work/${await placeOf('app@3.service')}/app@3.service`,
    // A fleetd that is restarted writes its own reports anew: this one is not.
    `state/${await idOf(follower)}/pinned-${follower}.service`,
    `removals/${await placeOf('app@5.service')}/app@5.service`,
    'engine/resume',
    'placement/sole@1.service',
    'units/everywhere.service',
  ];
}

let lead = '';
let sinceMs = 0;
let before: Readonly<Record<string, string>> = {};
let spoiledKeys: readonly string[] = [];

/** Keys of which only the revision is read, which their writers write anew; and none of ours. */
async function alsoSpoil(): Promise<void> {
  for (const key of ['engine/leader', 'engine/seq']) await put(key, '{');
  for (const name of machines) await put(`chain/${await idOf(name)}`, 'chain?');
  for (const key of ['no-such-kind/at/all', 'units/no-name']) await spoil(key, torn);
}

/** The leader counts them, names them all in its log and three in its notice. */
async function toldBy(leader: string): Promise<void> {
  const count = 'fleet_engine_keys_unreadable';
  await expect.poll(() => metricOf(fleet, leader, count), patience).toBe(spoiledKeys.length);
  expect(await metricOf(fleet, leader, 'fleet_notices{kind="undecodable"}')).toBe(1);
  const { machines: listed, notices } = await listedBy(fleet, leader);
  expect(listed).toEqual([...machines]);
  const others = spoiledKeys.length - 3;
  const words = `not understood, and left as it is: (\\S+, ){2}\\S+ and ${others} more\n.*etcdctl`;
  expect(notices).toMatch(new RegExp(words));
  const said = (await loggedSince(fleet, leader, sinceMs)).split('\n');
  for (const key of spoiledKeys) {
    const line = said.find((text) => text.includes(`${key}"`)) ?? '';
    expect(line, key).toContain('stored value is not understood, leaving it as it is');
  }
}

function everyKind(name: string, spoiled: (original: string) => string): FaultCase {
  return {
    name,
    inflict: async () => {
      lead = await fleet.leader();
      sinceMs = Date.now();
      before = invocations(await look(fleet));
      spoiledKeys = await keysOfEveryKind();
      for (const key of spoiledKeys) await spoil(key, spoiled);
      await alsoSpoil();
    },
    lastsMs: 1.2 * ttlMs,
    seen: async () => {
      await toldBy(lead);
      // A leader that reads all of it anew makes nothing else of it.
      await fleet.script(lead, 'systemctl restart fleet');
      await toldBy(await fleet.leader());
      await takesOrders(fleet, probeOf(lead));
      expect(invocations(await look(fleet))).toEqual(before);
    },
    heal: restoreAll,
    after: async () => {
      await saysSince(fleet, await fleet.leader(), sinceMs, 'stored value is understood again');
      await seesNothing(fleet, machines);
      for (const via of machines) {
        expect(await metricOf(fleet, via, 'fleet_engine_keys_unreadable')).not.toBeGreaterThan(0);
      }
    },
  };
}

/** Every machine freezes, says why, and refuses what would be written. */
function clusterRecord(name: string, why: string, spoiled: (text: string) => string): FaultCase {
  return {
    name,
    inflict: async () => {
      sinceMs = Date.now();
      await spoil('cluster', spoiled);
    },
    lastsMs: 1.5 * ttlMs,
    stops: machines,
    seen: async () => {
      for (const via of machines) {
        const frozen = `fleet_store_frozen{why="${why}"}`;
        await expect.poll(() => metricOf(fleet, via, frozen), patience).toBe(1);
        await saysSince(fleet, via, sinceMs, 'froze: the store is not ours');
        expect((await listedBy(fleet, via)).notices).toContain(`${why}: `);
      }
      const refused = await fleet.fleetctl(['stop', 'app@1.service']);
      expect([refused.status, refused.stdout]).toEqual([1, '']);
      const adopting = await fleet.fleetctl(['adopt-store', '--yes']);
      expect([adopting.status, adopting.stdout]).toEqual([1, '']);
    },
    heal: restoreAll,
    after: async () => {
      for (const via of machines) {
        await saysSince(fleet, via, sinceMs, 'thawed: the store is ours');
      }
      await seesNothing(fleet, machines);
    },
  };
}

const cases: readonly FaultCase[] = [
  everyKind('a value of every kind damaged', torn),
  everyKind('a value of every kind of a format that nobody here knows', newer),
  clusterRecord('the record of the cluster damaged', 'store-not-ours', torn),
  clusterRecord('a cluster that needs a newer fleetd', 'store-too-new', (text) =>
    JSON.stringify({ ...(JSON.parse(text) as object), formatNeeded: 99 }),
  ),
];

beforeAll(() => startMixedUnits(fleet, machines));
afterAll(() => {
  process.stdout.write(`settled after ms: ${JSON.stringify([...settledMs])}\n`);
});

describe('what is stored and not understood moves, stops and restarts no unit:', () => {
  for (const fault of cases) it(fault.name, () => harmless(fleet, machines, fault));

  it('a unit with a damaged record keeps away what it avoids all the same', async () => {
    const here = 'MachineOf=pinned-m2.service';
    const shy = fleet.file('shy.service', placed('Conflicts=loud.service', here));
    await fleet.did('start', '--wait', shy);
    const shyBefore = invocations(await fleet.running())['m2 shy.service'];
    await spoil('units/shy.service', torn);
    const loud = fleet.file('loud.service', placed(here));
    const started = await fleet.fleetctl(['start', '--timeout', '5s', loud]);
    expect(started.status).toBe(1);
    const why = 'conflicts with shy.service, which came to this machine first';
    expect(started.stderr).toContain(why);
    expect(await fleet.did('list-units', '--fields', 'unit,active,note')).toMatch(
      new RegExp(`loud.service\\s+inactive\\s+.*${why}`),
    );
    expect(invocations(await fleet.running())).toMatchObject({ 'm2 shy.service': shyBefore });
    await restoreAll();
    await fleet.did('destroy', 'shy.service');
    await fleet.did('start', '--wait', 'loud.service');
    await fleet.did('destroy', 'loud.service');
  });

  it('a damaged text keeps back the unit that is to be started from it, and no other', async () => {
    const known = new Set(await fleet.keys());
    await fleet.did('submit', fleet.file('torn.service', sleeper('Environment=TORN=1')));
    const [text = ''] = (await fleet.keys()).filter(
      (key) => key.startsWith('text/') && !known.has(key),
    );
    await spoil(text, torn);
    const fromMs = Date.now();
    const started = await fleet.fleetctl(['start', '--timeout', '5s', 'torn.service']);
    expect(started.status).toBe(1);
    expect(started.stderr).toContain('has not taken it up yet');
    const said = await Promise.all(machines.map((name) => loggedSince(fleet, name, fromMs)));
    expect(said.join('')).toMatch(/its bytes have another hash.*task failed, trying again/);
    await fleet.did('start', '--wait', ...machines.map(probeOf));
    await restoreAll();
    await fleet.did('start', '--wait', 'torn.service');
    await fleet.did('destroy', 'torn.service');
  });
});
