import { beforeAll, describe, expect, it, vi } from 'vitest';
import { runAgent } from '../../src/agent/agent.ts';
import { connectBus } from '../../src/agent/dbus-connection.ts';
import { connectSystemd } from '../../src/agent/dbus-systemd.ts';
import { type AgentPaths, UnitFiles } from '../../src/agent/files.ts';
import type { Systemd, SystemdEvents, UnitChange } from '../../src/agent/systemd.ts';
import { initOf } from '../../src/lab/machine-process.ts';
import { machineNamed, readLab } from '../../src/lab/record.ts';
import { systemClock } from '../../src/lib/clock.ts';
import type { Logger } from '../../src/lib/log.ts';
import type { BootId } from '../../src/model/ids.ts';
import { contentHash } from '../../src/unitfile/unit-hash.ts';
import type { UnitName } from '../../src/unitfile/unit-name.ts';
import { anOrder } from '../builders/agent.ts';
import { PaperLedger } from '../builders/paper-ledger.ts';
import { withLab } from './with-lab.ts';

const lab = withLab({ machineCount: 1 });
const sleeper = '[Service]\nExecStart=/bin/sleep infinity\n';
const forever = new AbortController().signal;
const named = (text: string): UnitName => text as UnitName;

/** The bus and the files of m1, seen from this computer. */
let address = '';
let paths: AgentPaths;

beforeAll(async () => {
  const pid = initOf(machineNamed(readLab(lab.context.lab), 'm1'));
  const root = `/proc/${pid}/root`;
  address = `unix:path=${root}/run/dbus/system_bus_socket`;
  paths = {
    root,
    unitsDirectory: '/run/fleet-test/units',
    stateDirectory: '/run/fleet-test',
    runtimeDirectory: '/run/systemd/system',
  };
  // Its own fleetd is another agent; this file is about ours.
  await lab.exec('m1', ['systemctl', 'stop', 'fleet.socket', 'fleet.service']);
});

/** What a connection told, and a way to wait for it. */
class Heard implements SystemdEvents {
  readonly changes = new Map<UnitName, UnitChange>();
  reloadCount = 0;
  shutdownCount = 0;
  readonly lost: Error[] = [];
  #waiting: (() => void)[] = [];

  unitChanged(name: UnitName, change: UnitChange): void {
    this.changes.set(name, { ...this.changes.get(name), ...change });
    this.#tell();
  }
  everythingChanged(): void {
    this.reloadCount += 1;
    this.#tell();
  }
  shutdownBegan(): void {
    this.shutdownCount += 1;
    this.#tell();
  }
  answered(): void {
    this.#tell();
  }
  disconnected(error: Error): void {
    this.lost.push(error);
    this.#tell();
  }
  async until(isSo: () => boolean): Promise<void> {
    while (!isSo()) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }
  #tell(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}

/** Every call of a bus's owner about match rules: how many each connection has. */
async function matchRuleCount(): Promise<number> {
  const bus = await connectBus(address, systemClock, {
    signalled: () => undefined,
    answered: () => undefined,
    disconnected: () => undefined,
  });
  const [rules] = await bus.call({
    destination: 'org.freedesktop.DBus',
    path: '/org/freedesktop/DBus',
    interface: 'org.freedesktop.DBus.Debug.Stats',
    member: 'GetAllMatchRules',
  });
  bus.close();
  const lists = Object.values(rules as Record<string, { value?: string[] } | string[]>);
  return lists.flatMap((list) => (Array.isArray(list) ? list : (list.value ?? []))).length;
}

async function show(name: string, property: string): Promise<string> {
  const shown = await lab.exec('m1', ['systemctl', 'show', '-P', property, name]);
  return shown.stdout.trim();
}

const writeUnit = async (files: UnitFiles, name: UnitName, text: string): Promise<void> => {
  await files.write(text, { ...anOrder(), name, contentHash: contentHash(text) });
};

describe('the D-Bus adapter', () => {
  it('links, starts, watches and stops 100 units without a reload or a match rule left', async () => {
    const heard = new Heard();
    const systemd = await connectSystemd(address, systemClock, heard);
    const files = new UnitFiles(paths);
    const names = Array.from({ length: 100 }, (_none, number) => named(`many@${number}.service`));
    const before = await matchRuleCount();
    const loadsOf = async (): Promise<readonly string[]> => [
      ...new Set([...(await systemd.list(names)).values()].map(({ load }) => load)),
    ];
    expect(await loadsOf()).toEqual(['not-found']);

    for (const name of names) await writeUnit(files, name, sleeper);
    await systemd.linkRuntime(names.map((name) => files.path(name)));
    expect(await loadsOf()).toEqual(['loaded']);

    const started = await Promise.all(names.map((name) => systemd.start(name, forever)));
    expect(new Set(started)).toEqual(new Set(['done']));
    await heard.until(() => names.every((name) => heard.changes.get(name)?.active === 'active'));
    const running = await systemd.list(names);
    const invocations = names.map((name) => running.get(name)?.invocationId);
    expect(invocations).toEqual(names.map((name) => heard.changes.get(name)?.invocationId));
    expect(new Set(invocations).size).toBe(names.length);
    expect(await show(names[0] ?? '', 'After')).toContain('fleet-leave.service');
    expect(await matchRuleCount()).toBe(before);

    const stopped = await Promise.all(names.map((name) => systemd.stop(name, forever)));
    expect(new Set(stopped)).toEqual(new Set(['done']));
    for (const name of names) await files.remove(name);
    expect(await loadsOf()).toEqual(['not-found']);
    expect(await matchRuleCount()).toBe(before);
    expect(heard.reloadCount).toBe(0);
    expect(heard.lost).toEqual([]);
    systemd.close();
  });

  it('says how a job ended in the words of systemd, and why', async () => {
    const systemd = await connectSystemd(address, systemClock, new Heard());
    const files = new UnitFiles(paths);
    const fails = named('fails.service');
    await writeUnit(files, fails, '[Service]\nType=oneshot\nExecStart=/bin/false\n');
    await systemd.linkRuntime([files.path(fails)]);
    expect(await systemd.start(fails, forever)).toBe('failed');
    expect(await systemd.failureOf(fails)).toBe('exit-code, status 1');
    await systemd.resetFailed(fails);
    await files.remove(fails);
    expect((await systemd.list([fails])).get(fails)?.load).toBe('not-found');
    await expect(systemd.start(fails, forever)).rejects.toThrow('fails.service not found');
    expect(await systemd.stop(fails, forever)).toBe('done');
    systemd.close();
  });

  it('lets stops and quick starts pass sixteen starts that take for ever', async () => {
    const systemd = await connectSystemd(address, systemClock, new Heard());
    const files = new UnitFiles(paths);
    const slow = Array.from({ length: 20 }, (_none, number) => named(`slow@${number}.service`));
    const quick = named('quick.service');
    for (const name of slow) {
      await writeUnit(files, name, '[Service]\nType=oneshot\nExecStart=/bin/sleep infinity\n');
    }
    await writeUnit(files, quick, sleeper);
    await systemd.linkRuntime([...slow, quick].map((name) => files.path(name)));
    const starts = slow.map((name) => systemd.start(name, forever));
    expect(await systemd.start(quick, forever)).toBe('done');
    const stops = await Promise.all([...slow, quick].map((name) => systemd.stop(name, forever)));
    expect(new Set(stops)).toEqual(new Set(['done']));
    expect(new Set(await Promise.all(starts))).toEqual(new Set(['canceled']));
    for (const name of [...slow, quick]) await files.remove(name);
    systemd.close();
  });

  it('hears a reload that somebody else asked for', async () => {
    const heard = new Heard();
    const systemd = await connectSystemd(address, systemClock, heard);
    await lab.exec('m1', ['systemctl', 'daemon-reload']);
    await heard.until(() => heard.reloadCount > 0);
    systemd.close();
  });

  it('refuses an address where nobody listens, in words', async () => {
    const nowhere = connectSystemd('unix:path=/nonexistent', systemClock, new Heard());
    await expect(nowhere).rejects.toThrow('no connection to systemd: connect ENOENT /nonexistent');
  });
});

/** An agent on m1, with what it asked systemd for. */
function anAgent(ledger: PaperLedger): {
  readonly stop: () => Promise<void>;
  readonly jobs: string[];
  readonly log: string[];
} {
  const ending = new AbortController();
  const jobs: string[] = [];
  const lines: string[] = [];
  const line = (_fields: object, message: string): void => void lines.push(message);
  const log: Logger = { debug: () => undefined, info: line, warn: line, error: line };
  const connect = async (events: SystemdEvents): Promise<Systemd> => {
    const systemd = await connectSystemd(address, systemClock, events);
    const { start, stop } = systemd;
    systemd.start = (name, ...rest) => {
      jobs.push(`start ${name}`);
      return start.call(systemd, name, ...rest);
    };
    systemd.stop = (name, ...rest) => {
      jobs.push(`stop ${name}`);
      return stop.call(systemd, name, ...rest);
    };
    return systemd;
  };
  const bootId = 'this-boot' as BootId;
  const options = { connect, ledger, clock: systemClock, log, paths, bootId };
  const running = runAgent({ ...options, onShutdown: () => undefined }, ending.signal);
  const stop = async (): Promise<void> => {
    ending.abort();
    await running;
  };
  return { stop, jobs, log: lines };
}

describe('the agent on a machine', () => {
  const one = named('one.service');
  const two = named('two.service');
  const isActive = (ledger: PaperLedger, name: UnitName): boolean =>
    ledger.reports.get(name)?.current === 'launched' &&
    ledger.reports.get(name)?.active === 'active';

  it('leaves units alone when it ends, starts again, loses its receipts or the bus', async () => {
    const ledger = new PaperLedger();
    let agent = anAgent(ledger);
    ledger.order(one, sleeper, 'launch');
    ledger.order(two, `[Unit]\nAfter=${one}\n${sleeper}`, 'launch');
    await ledger.until(() => isActive(ledger, one) && isActive(ledger, two));
    expect(agent.jobs).toEqual([`start ${one}`, `start ${two}`]);
    const invocations = [await show(one, 'InvocationID'), await show(two, 'InvocationID')];
    await agent.stop();

    ledger.reports.clear();
    agent = anAgent(ledger);
    await ledger.until(() => isActive(ledger, one) && isActive(ledger, two));
    await agent.stop();
    expect(agent.jobs).toEqual([]);

    await lab.exec('m1', ['rm', '-r', paths.stateDirectory]);
    ledger.reports.clear();
    agent = anAgent(ledger);
    await ledger.until(() => isActive(ledger, one) && isActive(ledger, two));
    const pid = await show('dbus.service', 'MainPID');
    await lab.exec('m1', ['kill', '-9', pid]);
    await lab.exec('m1', ['systemctl', 'stop', one]);
    await ledger.until((reports) => reports.get(one)?.active === 'inactive');
    expect(ledger.reports.get(one)?.current).toBe('launched');
    expect(agent.log).toContain('lost systemd, leaving units as they are');
    expect(agent.jobs).toEqual([]);
    expect(await show(two, 'InvocationID')).toBe(invocations[1]);

    for (const name of [one, two]) ledger.change(name, { want: 'gone' });
    await ledger.until((reports) =>
      [...reports.values()].every(({ current }) => current === 'gone'),
    );
    for (const name of [one, two]) ledger.withdraw(name);
    await ledger.until((reports) => reports.size === 0);
    expect(agent.jobs).toEqual([`stop ${two}`]);
    expect(await show(two, 'LoadState')).toBe('not-found');
    const left = await lab.exec('m1', ['find', paths.stateDirectory, '-type', 'f']);
    expect(left.stdout).toBe('');
    await agent.stop();
  });

  it('refuses a name of the operating system and does not touch its unit', async () => {
    const ledger = new PaperLedger();
    const journald = named('systemd-journald.service');
    const before = await show(journald, 'InvocationID');
    const agent = anAgent(ledger);
    ledger.order(journald, sleeper, 'launch');
    await ledger.until((reports) => reports.get(journald)?.current === 'refused');
    expect(ledger.reports.get(journald)?.problem).toMatch(
      /^name taken by .*\/systemd-journald\.service$/,
    );
    ledger.change(journald, { want: 'gone' });
    await ledger.until((reports) => reports.get(journald)?.current === 'gone');
    await agent.stop();
    expect(agent.jobs).toEqual([]);
    expect(await show(journald, 'InvocationID')).toBe(before);
  });

  it('refuses a file that systemd cannot load, and loads it once it is mended', async () => {
    const ledger = new PaperLedger();
    const agent = anAgent(ledger);
    ledger.order(one, '[Service]\n', 'launch');
    await ledger.until((reports) => reports.get(one)?.current === 'refused');
    expect(ledger.reports.get(one)?.problem).toContain('bad unit file setting');
    ledger.order(one, sleeper, 'launch');
    await ledger.until(() => isActive(ledger, one));
    ledger.change(one, { want: 'gone' });
    await ledger.until((reports) => reports.get(one)?.current === 'gone');
    await agent.stop();
    expect(agent.jobs).toEqual([`start ${one}`, `stop ${one}`]);
  });

  it('never runs the old text of a name that was destroyed and submitted again', async () => {
    const ledger = new PaperLedger();
    const agent = anAgent(ledger);
    for (const number of [1, 2, 3]) {
      const text = `[Unit]\nDescription=text ${number}\n${sleeper}`;
      ledger.order(one, text, 'launch');
      await ledger.until(() => isActive(ledger, one));
      expect(await show(one, 'Description')).toBe(`text ${number}`);
      ledger.change(one, { want: 'gone' });
      await ledger.until((reports) => reports.get(one)?.current === 'gone');
    }
    await agent.stop();
    expect(agent.log).not.toContain('asked systemd to reload');
  });

  it('restarts in place when the restart counter grows, and only then', async () => {
    const ledger = new PaperLedger();
    const agent = anAgent(ledger);
    ledger.order(one, sleeper, 'launch');
    await ledger.until(() => isActive(ledger, one));
    const before = await show(one, 'InvocationID');
    ledger.change(one, { restartCount: 1 });
    await vi.waitFor(
      async () => {
        expect(await show(one, 'InvocationID')).not.toBe(before);
        expect(isActive(ledger, one)).toBe(true);
      },
      { timeout: 30_000 },
    );
    expect(agent.jobs).toEqual([`start ${one}`, `stop ${one}`, `start ${one}`]);
    ledger.change(one, { want: 'gone' });
    await ledger.until((reports) => reports.get(one)?.current === 'gone');
    await agent.stop();
  });

  it('hears that the machine goes down before its units are stopped', async () => {
    const heard = new Heard();
    await connectSystemd(address, systemClock, heard);
    await lab.exec('m1', ['systemctl', 'poweroff', '--no-block']);
    await heard.until(() => heard.shutdownCount > 0 || heard.lost.length > 0);
    expect(heard.shutdownCount).toBe(1);
  });
});
