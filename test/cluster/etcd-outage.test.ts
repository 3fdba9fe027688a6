import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { healMachine, partitionMachine } from '../../src/lab/partition.ts';
import { bootMachine, killMachine } from '../../src/lab/power.ts';
import { goesOnAlone, refusesForEtcd } from './fault-sights.ts';
import { invocations, patience, placed, sleeper, withFleet } from './with-fleet.ts';

const fleet = withFleet({ agentTtl: '3s' });
/** How long a fault lasts: longer than the TTL, so that every lease had the time to run out. */
const outageMs = 2.5 * 3000;
const names = ['m1', 'm2', 'm3'] as const;
const apps = [1, 2, 3, 4, 5, 6].map((number) => `app@${number}.service`);

beforeAll(async () => {
  const app = fleet.file('app@.service', sleeper());
  const everywhere = fleet.file('everywhere.service', placed('Global=true'));
  const files = apps.map((name) => app.replace('app@.service', name));
  await fleet.did('start', '--wait', ...files, everywhere);
  await vi.waitFor(async () => expect(await fleet.running()).toHaveLength(6 + 3), patience);
});

async function everywhereDo(script: string): Promise<void> {
  await Promise.all(names.map((name) => fleet.script(name, script)));
}

/** Takes orders on every machine: a unit starts on each and is taken down again. */
async function worksEverywhere(): Promise<void> {
  for (const name of names) {
    const { id } = await fleet.lab.machine(name);
    const file = fleet.file(`probe-${name}.service`, placed(`MachineID=${id}`));
    // The whole cluster may be finding itself again: fleetctl is refused for a moment.
    await expect
      .poll(async () => (await fleet.fleetctl(['start', '--wait', file])).status, patience)
      .toBe(0);
    await fleet.did('destroy', `probe-${name}.service`);
  }
}

/** Each machine's own record of what was stopped or started since `cursor`. */
async function jobsSince(cursors: readonly string[]): Promise<string> {
  const words = "grep -E 'Start(ed|ing)|Stopp(ed|ing)' | grep -E 'app@|everywhere' || true";
  const texts = names.map((name, index) =>
    fleet.script(name, `journalctl -o cat --after-cursor '${cursors[index]}' _PID=1 | ${words}`),
  );
  return (await Promise.all(texts)).join('');
}

function cursors(): Promise<readonly string[]> {
  const show = "journalctl -n 0 --show-cursor | sed -n 's/^-- cursor: //p'";
  return Promise.all(names.map(async (name) => (await fleet.script(name, show)).trim()));
}

describe('an outage of etcd', () => {
  const faults = [
    ['every member stopped', 'systemctl stop etcd', 'systemctl start --no-block etcd'],
    ['every member frozen', 'systemctl kill -s STOP etcd', 'systemctl kill -s CONT etcd'],
  ] as const;

  for (const [title, begin, end] of faults) {
    it(`longer than the TTL stops and restarts no unit: ${title}`, async () => {
      const before = invocations(await fleet.running());
      const from = await cursors();
      const sinceMs = Date.now();
      await everywhereDo(begin);
      await sleep(outageMs);
      expect(invocations(await fleet.running())).toEqual(before);
      for (const name of names) {
        await goesOnAlone(fleet, name, sinceMs);
        await refusesForEtcd(fleet, name);
      }
      await everywhereDo(end);
      await worksEverywhere();
      expect(invocations(await fleet.running())).toEqual(before);
      expect(await jobsSince(from)).toBe('');
      expect(await fleet.did('list-machines', '--no-legend')).toMatch(/^(.*\n){3}$/);
    });
  }
});

describe('a machine that was cut off for longer than the TTL', () => {
  /** What keeps a unit from getting up: as long as this file is there, its start takes on. */
  const gate = '/run/gate-is-closed';
  const slow = sleeper(`ExecStartPre=/bin/sh -c 'while [ -e ${gate} ]; do sleep 0.1; done'`);
  const slowUnits = [1, 2, 3].map((number) => `slow@${number}.service`);

  it('keeps running what it ran, and ends it only once it runs elsewhere', async () => {
    const template = fleet.file('slow@.service', `${slow}TimeoutStartSec=infinity\n`);
    const files = slowUnits.map((name) => template.replace('slow@.service', name));
    await fleet.did('start', '--wait', ...files);
    const leader = await fleet.leader();
    const victim = names.find((name) => name !== leader) ?? '';
    const others = names.filter((name) => name !== victim);
    const copies = await fleet.running();
    const [unit = ''] = copies
      .filter((copy) => copy.machine === victim && slowUnits.includes(copy.unit))
      .map((copy) => copy.unit);
    const movers = copies.filter((copy) => copy.machine === victim && apps.includes(copy.unit));
    expect(movers).not.toEqual([]);
    const onVictim = invocations(copies, others);
    const onOthers = invocations(copies, [victim]);
    for (const name of others) await fleet.script(name, `touch ${gate}`);

    await partitionMachine(fleet.lab.context, victim);
    for (const mover of movers) {
      await expect.poll(async () => (await fleet.placesOf(mover.unit)).length, patience).toBe(2); // there, where nobody hears of it, and elsewhere
    }
    const state = `systemctl show --value -p ActiveState '${unit}'`;
    const states = async (): Promise<readonly string[]> =>
      Promise.all(others.map(async (name) => (await fleet.script(name, state)).trim()));
    await expect.poll(states, patience).toContain('activating');
    expect(invocations(await fleet.running(), others)).toEqual(onVictim);

    await healMachine(fleet.lab.context, victim);
    for (const mover of movers) {
      await expect
        .poll(() => fleet.placesOf(mover.unit), patience)
        .toEqual([expect.not.stringMatching(victim)]);
    }
    await worksEverywhere();
    expect(await states()).toContain('activating');
    expect(await fleet.placesOf(unit)).toEqual([victim]);
    expect(invocations(await fleet.running(), others)).toEqual({
      [`${victim} everywhere.service`]: onVictim[`${victim} everywhere.service`],
      [`${victim} ${unit}`]: onVictim[`${victim} ${unit}`],
    });

    for (const name of others) await fleet.script(name, `rm ${gate}`);
    await expect
      .poll(() => fleet.placesOf(unit), patience)
      .toEqual([expect.not.stringMatching(victim)]);
    expect(invocations(await fleet.running(), [victim])).toMatchObject(onOthers);
    expect(await fleet.placesOf('everywhere.service')).toEqual([...names]);
  });
});

describe('the loss of two machines of three, and of the quorum with them', () => {
  it('leaves the third as it is, and all is whole once they are back', async () => {
    const survivor = await fleet.leader();
    const lost = names.filter((name) => name !== survivor);
    const before = invocations(await fleet.running(), lost);
    for (const name of lost) await killMachine(fleet.lab.context, name);
    await sleep(outageMs);
    expect(invocations(await fleet.running())).toEqual(before);
    for (const name of lost) await bootMachine(fleet.lab.context, name);
    await expect
      .poll(
        async () => (await Promise.all(apps.map(fleet.placesOf))).map((at) => at.length),
        patience,
      )
      .toEqual(apps.map(() => 1));
    await expect.poll(() => fleet.placesOf('everywhere.service'), patience).toEqual([...names]);
    await worksEverywhere();
    expect(invocations(await fleet.running(), lost)).toMatchObject(before);
  });
});
