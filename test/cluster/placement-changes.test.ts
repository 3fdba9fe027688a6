// What moves when the cluster changes under units that are placed, and what does not.
import { describe, expect, it } from 'vitest';
import type { UnitBody } from '../../src/api/schema.ts';
import { ports } from '../../src/lab/names.ts';
import { invocations, patience, placed, sleeper, withFleet } from './with-fleet.ts';

const fleet = withFleet({
  metadata: new Map([
    ['m1', 'disk=hdd,region=eu'],
    ['m2', 'disk=ssd,region=eu'],
    ['m3', 'disk=ssd,region=us'],
  ]),
});
const names = ['m1', 'm2', 'm3'] as const;
type Name = (typeof names)[number];

/** Where each of some units is active: `[['m1'], ['m2']]`. */
function placesOf(...units: readonly string[]): Promise<readonly (readonly string[])[]> {
  return Promise.all(units.map((unit) => fleet.placesOf(unit)));
}

async function ask(machine: Name, path: string, init: RequestInit = {}): Promise<Response> {
  const { address } = await fleet.lab.machine(machine);
  return fetch(`http://${address}:${ports.fleetd}${path}`, init);
}

async function unit(name: string): Promise<UnitBody> {
  return (await (await ask('m1', `/fleet/v1/units/${name}`)).json()) as UnitBody;
}

/** Sets a machine's metadata at run time; null removes. */
async function patch(machine: Name, key: string, value: string | null): Promise<void> {
  const { id } = await fleet.lab.machine(machine);
  const change = value === null ? { op: 'remove' } : { op: 'add', value };
  const answer = await ask('m1', '/fleet/v1/machines', {
    method: 'PATCH',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify([{ ...change, path: `/${id}/metadata/${key}` }]),
  });
  expect(answer.status, await answer.text()).toBe(204);
}

/** The metrics of a machine, by name and labels as they are written. */
async function metricsOf(machine: Name): Promise<ReadonlyMap<string, number>> {
  const lines = (await (await ask(machine, '/metrics')).text()).split('\n');
  const samples = lines.filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    samples.map((line) => {
      const at = line.lastIndexOf(' ');
      return [line.slice(0, at), Number(line.slice(at + 1))];
    }),
  );
}

/** A service that notes each of its starts on its machine, with options of [X-Fleet]. */
function noting(...options: readonly string[]): string {
  const text = sleeper("ExecStartPre=/bin/sh -c 'echo %n >>/var/tmp/starts'");
  return options.length === 0 ? text : [text, '[X-Fleet]', ...options, ''].join('\n');
}

/** How often a unit was started on all machines since they booted. */
async function startCount(name: string): Promise<number> {
  const count = `cat /var/tmp/starts 2>/dev/null | grep -cFx ${name} || true`;
  const counts = await Promise.all(names.map((machine) => fleet.script(machine, count)));
  return counts.reduce((sum, text) => sum + Number(text), 0);
}

describe('a chain of MachineOf', () => {
  const chain = ['base.service', 'middle.service', 'top.service'];

  it('is placed as one, where the whole of it fits, whichever is started first', async () => {
    const top = noting('MachineOf=middle.service', 'MachineMetadata=disk=ssd');
    const files = [
      fleet.file('top.service', top),
      fleet.file('middle.service', noting('MachineOf=base.service')),
    ];
    expect((await fleet.fleetctl(['start', ...files])).status).toBe(1);
    expect(await placesOf(...chain)).toEqual([[], [], []]);
    const base = fleet.file('base.service', noting('MachineMetadata=region=eu'));
    await fleet.did('start', '--wait', base);
    await expect.poll(() => placesOf(...chain), patience).toEqual([['m2'], ['m2'], ['m2']]);
  });

  it('moves as one, once, to where all of it fits, and says why; others stay', async () => {
    const calm = fleet.file('calm.service', noting('MachineMetadata=disk=ssd'));
    await fleet.did('start', '--wait', calm);
    const before = await placesOf('calm.service');
    await patch('m3', 'region', 'eu');
    expect(await placesOf(...chain)).toEqual([['m2'], ['m2'], ['m2']]); // it still fits
    await patch('m2', 'region', 'us'); // m1 would do for the first of them alone
    await expect.poll(() => placesOf(...chain), patience).toEqual([['m3'], ['m3'], ['m3']]);
    const { id } = await fleet.lab.machine('m3');
    for (const name of chain) {
      const { machineID, placement } = await unit(name);
      expect([name, machineID]).toEqual([name, id]);
      expect(placement?.reason).toContain(name === 'base.service' ? 'region' : '.service');
      expect([name, await startCount(name)]).toEqual([name, 2]);
    }
    expect(await placesOf('calm.service')).toEqual(before);
    expect(await startCount('calm.service')).toBe(1);
  });

  it('runs on, and says why, where its end no longer fits and no machine suits the whole', async () => {
    const reason = async () => (await unit('top.service')).placement?.reason;
    await patch('m3', 'disk', 'hdd');
    await expect
      .poll(reason, patience)
      .toMatch(/metadata disk=ssd is missing; it fits nowhere else/);
    expect(await placesOf(...chain)).toEqual([['m3'], ['m3'], ['m3']]);
    await patch('m3', 'disk', 'ssd');
    await expect.poll(reason, patience).not.toContain('disk=ssd');
    expect(await placesOf(...chain)).toEqual([['m3'], ['m3'], ['m3']]);
    expect(await Promise.all(chain.map(startCount))).toEqual([2, 2, 2]);
    await fleet.did('destroy', ...chain, 'calm');
    await patch('m2', 'region', 'eu');
    await patch('m3', 'region', 'us');
  });
});

describe('metadata of fleet.conf', () => {
  it('counts once it is read again: what waited is placed, what no longer fits moves', async () => {
    const file = fleet.file('racked.service', noting('MachineMetadata=rack=r1'));
    expect((await fleet.fleetctl(['start', file])).status).toBe(1);
    const reload = (machine: Name, change: string) =>
      fleet.script(machine, `sed -i '${change}' /etc/fleet/fleet.conf; systemctl reload fleet`);
    await reload('m1', 's/^metadata="/&rack=r1,/');
    await expect.poll(() => placesOf('racked.service'), patience).toEqual([['m1']]);
    await reload('m2', 's/^metadata="/&rack=r1,/');
    await reload('m1', 's/rack=r1,//');
    await expect.poll(() => placesOf('racked.service'), patience).toEqual([['m2']]);
    expect((await unit('racked.service')).placement?.reason).toContain('rack');
    expect(await startCount('racked.service')).toBe(2);
    await fleet.did('destroy', 'racked');
  });
});

describe('a global unit with conflicts and metadata', () => {
  it('is where its metadata allows and nothing in its way is, and follows both', async () => {
    const noisy = fleet.file(
      'noisy@.service',
      placed('MachineMetadata=region=eu', 'MachineMetadata=disk=ssd'),
    );
    await fleet.did('start', '--wait', noisy.replace('@.', '@1.'));
    expect(await placesOf('noisy@1.service')).toEqual([['m2']]);
    const text = placed('Global=true', 'MachineMetadata=disk=ssd', 'Conflicts=noisy@*.service');
    await fleet.did('start', fleet.file('shy.service', text));
    await expect.poll(() => placesOf('shy.service'), patience).toEqual([['m3']]);
    const list = ['list-unit-files', '--no-legend', '--fields', 'unit,global,dstate,state'];
    expect((await fleet.did(...list)).replace(/\t+/g, ' ')).toContain(
      'shy.service true launched 1 of 1\n',
    );
    const before = invocations(await fleet.running());
    await fleet.did('destroy', 'noisy@1');
    await expect.poll(() => placesOf('shy.service'), patience).toEqual([['m2', 'm3']]);
    expect(invocations(await fleet.running(), ['m1', 'm2'])).toMatchObject(
      Object.fromEntries(Object.entries(before).filter(([key]) => key.startsWith('m3 '))),
    );
    await patch('m3', 'disk', 'hdd');
    await patch('m1', 'disk', 'ssd');
    await expect.poll(() => placesOf('shy.service'), patience).toEqual([['m1', 'm2']]);
    // Who is there already wins: the newcomer has nowhere to go.
    const late = await fleet.fleetctl(['start', noisy.replace('@.', '@2.')]);
    expect([late.status, late.stderr]).toEqual([1, expect.stringContaining('shy.service')]);
    await fleet.did('destroy', 'shy', 'noisy@2');
    await patch('m3', 'disk', 'ssd');
    await patch('m1', 'disk', 'hdd');
  });
});

describe('Conflicts', () => {
  it('given twice, and with several names on a line, holds for each of them', async () => {
    const ids = await Promise.all(names.map(async (name) => (await fleet.lab.machine(name)).id));
    const others = ['one', 'two', 'three'].map((name, index) =>
      fleet.file(`${name}.service`, placed(`MachineID=${ids[index]}`)),
    );
    await fleet.did('start', '--wait', ...others);
    const text = placed('Conflicts=one.service two.service', 'Conflicts=thr*.service');
    const refused = await fleet.fleetctl(['start', fleet.file('picky.service', text)]);
    expect(refused.status).toBe(1);
    for (const name of ['one', 'two', 'three']) {
      expect(refused.stderr).toContain(`1 machine: conflicts with ${name}.service`);
    }
    await fleet.did('destroy', 'two');
    await expect.poll(() => placesOf('picky.service'), patience).toEqual([['m2']]);
    await fleet.did('destroy', 'one', 'three', 'picky');
  });
});

describe('words in [X-Fleet]', () => {
  it('are filled in: %n, %N, %p, %i and %%', async () => {
    const metadata = {
      full: 'sp@a.service',
      plain: 'sp@a',
      prefix: 'sp',
      instance: 'a',
      rate: '9%',
    };
    for (const [key, value] of Object.entries(metadata)) await patch('m3', key, value);
    const pairs = ['full=%n', 'plain=%N', 'prefix=%p', 'instance=%i', 'rate=9%%'];
    const file = fleet.file(
      'sp@.service',
      placed(...pairs.map((pair) => `MachineMetadata=${pair}`)),
    );
    await fleet.did('start', '--wait', file.replace('@.', '@a.'));
    expect(await placesOf('sp@a.service')).toEqual([['m3']]);
    const other = await fleet.fleetctl(['start', file.replace('@.', '@b.')]);
    expect([other.status, other.stderr]).toEqual([1, expect.stringContaining('full=sp@b.service')]);
    await fleet.did('destroy', 'sp@a', 'sp@b');
    for (const key of Object.keys(metadata)) await patch('m3', key, null);
  });

  it('match names as globs: * ? [class] and a backslash', async () => {
    const there = await Promise.all(
      names.map(async (name, index) => {
        const { id } = await fleet.lab.machine(name);
        return fleet.file(`gl${'abc'[index]}1.service`, placed(`MachineID=${id}`));
      }),
    );
    await fleet.did('start', '--wait', ...there);
    const text = placed('Conflicts=g*[^bc]?.service gl[b-b]1.service');
    await fleet.did('start', '--wait', fleet.file('apart.service', text));
    expect(await placesOf('apart.service')).toEqual([['m3']]);
    const literal = placed('Conflicts=gl[ab]* gl\\c1.service gl\\?1.service');
    const refused = await fleet.fleetctl(['start', fleet.file('alone.service', literal)]);
    expect(refused.status).toBe(1);
    for (const letter of 'abc') {
      expect(refused.stderr).toContain(`conflicts with gl${letter}1.service`);
    }
    await fleet.did('destroy', 'gla1', 'glb1', 'glc1', 'apart', 'alone');
  });

  it("say Global= as systemd's booleans do, and the last one holds", async () => {
    const given = {
      'g1.service': ['yes'],
      'g2.service': ['no', 'on'],
      'g3.service': ['1', 'F'],
      'g4.service': ['TRUE', '0', 'y'],
      'g5.service': ['t', 'off'],
    };
    const files = Object.entries(given).map(([name, words]) =>
      fleet.file(name, placed(...words.map((word) => `Global=${word}`))),
    );
    await fleet.did('submit', ...files);
    const list = ['list-unit-files', '--no-legend', '--fields', 'unit,global'];
    expect((await fleet.did(...list)).trim().split('\n')).toEqual(
      ['true', 'true', 'false', 'true', 'false'].map((word, at) => `g${at + 1}.service\t${word}`),
    );
    await fleet.did('destroy', ...Object.keys(given));
  });
});

describe('a unit that waits for a machine', () => {
  /** The passes of the leader, and what was written to etcd by all. */
  async function work(): Promise<readonly number[]> {
    const all = await Promise.all(names.map(metricsOf));
    return all.flatMap((metrics) => [
      metrics.get('fleet_engine_reconcile_count_total') ?? Number.NaN,
      metrics.get('fleet_registry_operation_count_total{type="txn"}') ?? Number.NaN,
    ]);
  }

  it('is not looked at again while nothing changes, and at once when something does', async () => {
    const file = fleet.file('tape.service', placed('MachineMetadata=disk=tape'));
    expect((await fleet.fleetctl(['start', file])).status).toBe(1);
    const waiting = await fleet.stored('placement/tape.service');
    expect(waiting?.value).toContain('disk=tape');
    const leader = (await fleet.leader()) as Name;
    const settled = await quietWork();
    expect((await metricsOf(leader)).get('fleet_engine_units_waiting')).toBe(1);
    // Longer than a lease lasts: whatever goes by the clock comes by at least once.
    await new Promise((resolve) => setTimeout(resolve, 4_000));
    expect(await work()).toEqual(settled);
    // What it does not wait for leaves its record as it is.
    await fleet.did('start', '--wait', fleet.file('other.service', sleeper()));
    await patch('m1', 'rack', 'r1');
    await fleet.did('destroy', 'other');
    expect(await fleet.stored('placement/tape.service')).toEqual(waiting);
    await patch('m3', 'disk', 'tape');
    await expect.poll(() => placesOf('tape.service'), patience).toEqual([['m3']]);
    await fleet.did('destroy', 'tape');
  });

  /** The counts once they stay the same from one look to the next. */
  async function quietWork(): Promise<readonly number[]> {
    for (let before = await work(); ; ) {
      await new Promise((resolve) => setTimeout(resolve, 500));
      const now = await work();
      if (now.join() === before.join()) return now;
      before = now;
    }
  }
});

describe('the metrics, after all this,', () => {
  const has = (metrics: ReadonlyMap<string, number>, name: string): number => {
    const value = metrics.get(name);
    if (value === undefined) throw new Error(`no ${name} among ${[...metrics.keys()].join(' ')}`);
    return value;
  };

  it('say of the leader what it leads and how long its work took', async () => {
    const leader = (await fleet.leader()) as Name;
    const metrics = await metricsOf(leader);
    const term = (await fleet.stored('engine/leader'))?.createRevision;
    expect(has(metrics, 'fleet_engine_is_leader')).toBe(1);
    expect(has(metrics, 'fleet_engine_term')).toBe(term);
    const startedAtS = has(metrics, 'fleet_engine_leader_start_time');
    expect(Math.abs(Date.now() / 1_000 - startedAtS)).toBeLessThan(600);
    expect(has(metrics, 'fleet_engine_machines')).toBe(3);
    expect(has(metrics, 'fleet_engine_units')).toBe(0);
    expect(has(metrics, 'fleet_engine_units_waiting')).toBe(0);
    expect(has(metrics, 'fleet_engine_units_unreadable')).toBe(0);
    const placedCount = has(metrics, 'fleet_engine_placement_latency_seconds_count');
    expect(placedCount).toBeGreaterThanOrEqual(10);
    expect(has(metrics, 'fleet_engine_placement_latency_seconds_sum')).toBeGreaterThan(0);
    const passCount = has(metrics, 'fleet_engine_reconcile_count_total');
    expect(has(metrics, 'fleet_engine_reconcile_duration_second_count')).toBe(passCount);
    const tasks = 'fleet_engine_task_count_total{type="attemptscheduleunit"}';
    expect(has(metrics, tasks)).toBeGreaterThanOrEqual(10);
    for (const other of names.filter((name) => name !== leader)) {
      expect(has(await metricsOf(other), 'fleet_engine_is_leader')).toBe(0);
    }
  });

  it('say of each machine that its lease is fresh, its queues are empty, and it hurt no unit', async () => {
    for (const name of names) {
      const metrics = await metricsOf(name);
      expect(has(metrics, 'fleet_agent_restarts_caused_total')).toBe(0);
      expect(has(metrics, 'fleet_lease_held')).toBe(1);
      expect(has(metrics, 'fleet_lease_ttl_seconds')).toBe(3);
      expect(has(metrics, 'fleet_lease_renewed_ago_seconds')).toBeLessThan(3);
      expect(has(metrics, 'fleet_lease_age_seconds')).toBeGreaterThan(3);
      for (const queue of [
        'fleet_agent_jobs_running{job="start"}',
        'fleet_agent_jobs_running{job="stop"}',
        'fleet_agent_units_waiting',
        'fleet_agent_reports_waiting',
        'fleet_agent_orders',
      ]) {
        expect([name, queue, has(metrics, queue)]).toEqual([name, queue, 0]);
      }
      expect(has(metrics, 'fleet_agent_jobs_total{job="start"}')).toBeGreaterThan(0);
      expect(has(metrics, 'fleet_agent_reconcile_duration_seconds_count')).toBeGreaterThan(0);
    }
  });
});
