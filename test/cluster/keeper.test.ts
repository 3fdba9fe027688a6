import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { invocations, patience, sleeper, withFleet } from './with-fleet.ts';

const ttlMs = 3_000;
const wedgeMs = 15_000;
const fleet = withFleet({ agentTtl: '3s' });
const names = ['m1', 'm2', 'm3'] as const;
const apps = [1, 2, 3, 4, 5, 6].map((number) => `app@${number}.service`);

/** Where the tests' own module lies in a machine, and what loads it into fleetd. */
const blocker = '/opt/block-loop.mjs';
const dropIn = [
  '[Service]',
  `Environment=NODE_OPTIONS=--import=${blocker}`,
  'LimitCORE=0',
  '',
].join('\n');

beforeAll(async () => {
  const code = readFileSync(new URL('block-loop.mjs', import.meta.url), 'utf8');
  const place = `
    cat >${blocker} <<'END'\n${code}\nEND
    mkdir -p /etc/systemd/system/fleet.service.d
    cat >/etc/systemd/system/fleet.service.d/test.conf <<'END'\n${dropIn}\nEND
    echo wedge_seconds=${wedgeMs / 1_000} >>/etc/fleet/fleet.conf
    systemctl daemon-reload
    systemctl restart fleet`;
  await Promise.all(names.map((name) => fleet.script(name, place)));
  const template = fleet.file('app@.service', sleeper());
  const files = apps.map((name) => template.replace('app@.service', name));
  await vi.waitFor(async () => {
    expect((await fleet.fleetctl(['start', '--wait', ...files])).status).toBe(0);
    expect(await fleet.running()).toHaveLength(apps.length);
  }, patience);
});

interface Standing {
  readonly invocations: Readonly<Record<string, string>>;
  readonly machines: readonly unknown[];
}

/** What a fault must leave as it is: the copies that run, and every machine's own record. */
async function standing(): Promise<Standing> {
  const ids = (await fleet.lab.status()).machines.map(({ id }) => id);
  const keys = await Promise.all(ids.map((id) => fleet.stored(`machines/${id}`)));
  return {
    invocations: invocations(await fleet.running()),
    machines: keys.map((key) => key && { made: key.createRevision, lease: key.lease }),
  };
}

/** Another `WatchdogSec=` for that machine's fleetd. */
async function setWatchdog(name: string, seconds: number): Promise<void> {
  const file = '/etc/systemd/system/fleet.service.d/watchdog.conf';
  const text = `[Service]\\nWatchdogSec=${seconds}\\n`;
  await fleet.script(name, `printf '${text}' >${file}; systemctl daemon-reload`);
  await fleet.script(name, 'systemctl restart fleet');
  await works();
}

function block(name: string, ms: number | 'for good'): Promise<string> {
  const value = ms === 'for good' ? 86_400_000 : ms;
  const begun = 'while [ -e /run/block-fleetd ]; do sleep 0.05; done';
  return fleet.script(
    name,
    `echo ${value} >/run/block.new; mv /run/block.new /run/block-fleetd; ${begun}`,
  );
}

async function pidOf(name: string): Promise<string> {
  return (await fleet.script(name, 'systemctl show --value -p MainPID fleet.service')).trim();
}

async function metric(name: string, key: string): Promise<number> {
  const ask = 'curl -s --max-time 2 --unix-socket /run/fleet.sock http://fleet/metrics';
  const text = await fleet.script(name, `${ask} || true`);
  const line = text.split('\n').find((candidate) => candidate.startsWith(`${key} `));
  return Number(line?.slice(key.length) ?? Number.NaN);
}

/** What the keeper thread has said on a machine. */
function keeperSaid(name: string): Promise<string> {
  return fleet.script(name, 'journalctl -o cat -u fleet.service | grep ^fleetd: || true');
}

async function termOf(): Promise<number> {
  return (await fleet.stored('engine/leader'))?.createRevision ?? 0;
}

/** A unit can be started and destroyed: somebody leads, and the agents work. */
async function works(): Promise<void> {
  const probe = fleet.file('probe.service', sleeper());
  await expect
    .poll(async () => (await fleet.fleetctl(['start', '--wait', probe])).status, patience)
    .toBe(0);
  await fleet.did('destroy', 'probe.service');
  await expect.poll(() => fleet.placesOf('probe.service'), patience).toEqual([]);
}

describe('a fleetd whose main loop is blocked', () => {
  it('for three TTLs keeps its lease and its units, and another machine leads', async () => {
    const before = await standing();
    const leader = await fleet.leader();
    const term = await termOf();
    const pid = await pidOf(leader);
    await block(leader, 3 * ttlMs);
    const beganAtMs = Date.now();
    await expect
      .poll(async () => [0, term].includes(await termOf()), { ...patience, timeout: 2.9 * ttlMs })
      .toBe(false);
    expect(await fleet.leader()).not.toBe(leader);
    await sleep(Math.max(beganAtMs + 3.5 * ttlMs - Date.now(), 0));
    expect(await standing()).toEqual(before);
    const counted = 'fleet_keeper_events_total{event="stood-down"}';
    await expect.poll(() => metric(leader, counted), patience).toBe(1);
    expect(await keeperSaid(leader)).toContain('gave up leading, its units stay');
    expect(await pidOf(leader)).toBe(pid);
    await works();
    expect(await standing()).toEqual(before);
  });

  it('for good is started again by systemd, and neither its lease nor its units notice', async () => {
    await setWatchdog('m1', 6);
    const before = await standing();
    const pid = await pidOf('m1');
    await block('m1', 'for good');
    const pidNow = async (): Promise<string> => (await pidOf('m1')).replace(/^0$/, pid);
    await expect.poll(pidNow, patience).not.toBe(pid);
    const why = 'journalctl -o cat _PID=1 -u fleet.service | grep -c "Watchdog timeout"';
    expect(await fleet.script('m1', why)).toBe('1\n');
    await expect.poll(() => metric('m1', 'fleet_lease_held'), patience).toBe(1);
    await works();
    expect(await standing()).toEqual(before);
  });

  it('for good and without a watchdog loses its lease after wedge_seconds, not its copies', async () => {
    const leader = await fleet.leader();
    const victim = names.find((name) => name !== leader) ?? '';
    await setWatchdog(victim, 0);
    const before = await standing();
    const others = names.filter((name) => name !== victim);
    const { id } = await fleet.lab.machine(victim);
    await block(victim, 'for good');
    const beganAtMs = Date.now();
    await expect
      .poll(() => fleet.stored(`machines/${id}`), { ...patience, timeout: 2 * wedgeMs })
      .toBeNull();
    expect(Date.now() - beganAtMs).toBeGreaterThan(wedgeMs - ttlMs);
    expect(await keeperSaid(victim)).toContain('its lease is left to expire');
    for (const unit of apps) {
      await expect
        .poll(
          async () => (await fleet.placesOf(unit)).filter((name) => name !== victim).length,
          patience,
        )
        .toBe(1);
    }
    expect(invocations(await fleet.running())).toMatchObject(before.invocations);
    await fleet.script(victim, 'systemctl kill --kill-who=main -s KILL fleet');
    await settledOnce(others);
    expect(invocations(await fleet.running(), [victim])).toMatchObject(
      only(before.invocations, others),
    );
  });
});

describe('a machine whose D-Bus is dead', () => {
  it('loses its lease after wedge_seconds, keeps what runs, and is back with its D-Bus', async () => {
    const leader = await fleet.leader();
    const victim = names.find((name) => name !== leader) ?? '';
    const others = names.filter((name) => name !== victim);
    const { id } = await fleet.lab.machine(victim);
    const before = await standing();
    await fleet.script(victim, 'kill -STOP $(pgrep -x dbus-daemon)');
    const beganAtMs = Date.now();
    await expect
      .poll(() => fleet.stored(`machines/${id}`), { ...patience, timeout: 3 * wedgeMs })
      .toBeNull();
    // The last answer may be as old as the pause between two of them.
    expect(Date.now() - beganAtMs).toBeGreaterThan(wedgeMs - wedgeMs / 3 - ttlMs);
    expect(await keeperSaid(victim)).toContain('systemd has not answered the agent for 15 s');
    await expect
      .poll(() => metric(victim, 'fleet_lease_withheld_total{why="systemd"}'), patience)
      .toBe(1);
    await sleep(ttlMs);
    expect(await metric(victim, 'fleet_lease_held')).toBe(0);
    await fleet.script(victim, 'kill -CONT $(pgrep -x dbus-daemon)');
    await settledOnce(others);
    await expect.poll(() => fleet.stored(`machines/${id}`), patience).not.toBeNull();
    expect(invocations(await fleet.running(), [victim])).toMatchObject(
      only(before.invocations, others),
    );
    await works();
  });
});

describe('a leader that was paused for longer than its TTL', () => {
  it('changes nothing when it goes on: another one leads, and its late writes are refused', async () => {
    const leader = await fleet.leader();
    const others = names.filter((name) => name !== leader);
    const before = await standing();
    const template = fleet.file('late@.service', sleeper());
    const late = [1, 2, 3].map((number) => template.replace('@.', `@${number}.`));
    const pid = await pidOf(leader);
    // It has something in hand when it is paused.
    const other = others[0] ?? '';
    const starting = fleet.fleetctl(['start', '--no-block', ...late], { via: other });
    await fleet.script(leader, `kill -STOP ${pid}`);
    await starting;
    await expect.poll(() => fleet.leader(), patience).not.toBe(leader);
    const term = await termOf();
    for (const unit of [...apps, 'late@1.service', 'late@2.service', 'late@3.service']) {
      await expect
        .poll(
          async () => (await fleet.placesOf(unit)).filter((name) => name !== leader).length,
          patience,
        )
        .toBe(1);
    }
    const paused = invocations(await fleet.running(), [leader]);
    await fleet.script(leader, `kill -CONT ${pid}`);
    await settledOnce(others);
    expect(await termOf()).toBe(term);
    expect(invocations(await fleet.running(), [leader])).toMatchObject(paused);
    expect(paused).toMatchObject(only(before.invocations, others));
    expect(await pidOf(leader)).toBe(pid);
    await works();
  });
});

/** Each app runs once, on one of these machines if it ran there, and every machine is a member. */
async function settledOnce(others: readonly string[]): Promise<void> {
  for (const unit of apps) {
    await expect
      .poll(() => fleet.placesOf(unit), patience)
      .toEqual([expect.stringMatching(others.join('|'))]);
  }
  await expect
    .poll(() => fleet.did('list-machines', '--no-legend'), patience)
    .toMatch(/^(.*\n){3}$/);
}

function only(
  all: Readonly<Record<string, string>>,
  machines: readonly string[],
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(all).filter(([copy]) => machines.includes(copy.split(' ')[0] ?? '')),
  );
}
