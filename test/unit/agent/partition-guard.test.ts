import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { machineDisk } from '../../../src/agent/disk-file.ts';
import { PartitionGuard } from '../../../src/agent/partition-guard.ts';
import type { Order } from '../../../src/model/order.ts';
import type { UnitName } from '../../../src/unitfile/unit-name.ts';
import { aBook, anOrder, web } from '../../builders/agent.ts';
import { CapturedLog } from '../../builders/captured-log.ts';
import { ManualClock } from '../../builders/manual-clock.ts';
import { PaperSystemd } from '../../builders/paper-systemd.ts';

const guard = { deadlineMs: 2_400, stopTimeoutMs: 1_000 };
const paths = {
  unitsDirectory: '/run/fleet/units',
  stateDirectory: '/run/fleet',
  runtimeDirectory: '/run/systemd/system',
};
const { signal } = new AbortController();
let root = '';
let clock: ManualClock;
let systemd: PaperSystemd;
let machine: TestMachine;

/** A guard with a lease and a ledger that do as they are told. */
class TestMachine {
  readonly log = new CapturedLog();
  readonly forgotten: UnitName[] = [];
  readonly guard: PartitionGuard;
  nudgeCount = 0;
  isCurrent = true;
  sleptMs = 0;
  #renewed: (sentAtMs: number) => void = () => undefined;
  #lost: () => void = () => undefined;
  #read: () => void = () => undefined;

  constructor() {
    const keep =
      <T>(hear: (listener: T) => void) =>
      (listener: T) =>
        hear(listener);
    this.guard = new PartitionGuard({
      disk: machineDisk,
      ...{ clock, log: this.log, paths: { root, ...paths } },
      ledger: {
        isCurrent: () => this.isCurrent,
        onChange: keep((nudge: () => void) => {
          this.#read = nudge;
        }),
      },
      lease: {
        ttlMs: 3_000,
        onRenewed: keep((listener: (sentAtMs: number) => void) => {
          this.#renewed = listener;
        }),
        onLost: keep((listener: () => void) => {
          this.#lost = listener;
        }),
      },
      uptimeMs: () => clock.nowMs() + this.sleptMs,
      nudge: () => {
        this.nudgeCount += 1;
      },
    });
  }

  async attach(): Promise<void> {
    await this.guard.attach(await systemd.connect(ignored));
  }

  /** etcd answers a renewal that was sent so long ago. */
  async renew(ageMs = 0): Promise<void> {
    this.#renewed(clock.nowMs() - ageMs);
    await clock.pass(0);
  }

  async readOrders(): Promise<void> {
    this.isCurrent = true;
    this.#read();
    await clock.pass(0);
  }

  lose(): void {
    this.#lost();
  }

  async keep(...orders: readonly Order[]): Promise<void> {
    const book = aBook(orders.map((order) => [web, order]));
    const forget = async (unit: UnitName): Promise<void> => void this.forgotten.push(unit);
    await this.guard.keep(book, orders.length === 0 ? [] : [web], forget, signal);
    await clock.pass(0);
  }
}

const ignored = {
  unitChanged: () => undefined,
  everythingChanged: () => undefined,
  shutdownBegan: () => undefined,
  answered: () => undefined,
  disconnected: () => undefined,
};
const ordered = anOrder('launch', { guard });
const marker = (): string => join(root, 'run/fleet/isolated');
const restarts = (): number =>
  systemd.calls.filter((call) => call === 'restart fleet-deadline.service').length;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'fleet-guard-'));
  for (const folder of ['run/systemd/system', 'run/fleet']) {
    mkdirSync(join(root, folder), { recursive: true });
  }
  clock = new ManualClock();
  systemd = new PaperSystemd(root);
  machine = new TestMachine();
});
afterEach(() => rmSync(root, { recursive: true }));

describe('the deadline of units with OnPartition=stop', () => {
  it('is there only as long as an order needs it', async () => {
    const path = join(root, 'run/systemd/system/fleet-deadline.service');
    await machine.attach();
    await machine.renew();
    await machine.keep();
    expect([existsSync(path), systemd.calls]).toEqual([false, []]);
    await machine.keep(ordered);
    expect(readFileSync(path, 'utf8')).toContain('RuntimeMaxSec=2400ms\n');
    expect(restarts()).toBe(1);
    await machine.keep();
    expect(existsSync(path)).toBe(false);
    expect(systemd.calls).toContain('stop fleet-deadline.service');
  });

  it('is put off by the youngest renewal, though an older one was answered later', async () => {
    await machine.attach();
    await machine.keep(ordered);
    machine.isCurrent = false;
    await machine.renew();
    await machine.renew(700);
    expect(restarts()).toBe(0);
    await machine.readOrders();
    expect(restarts()).toBe(1);
  });

  it('is put off by each renewal that was sent less than a fifth of the TTL ago', async () => {
    await machine.attach();
    await machine.keep(ordered);
    expect(restarts()).toBe(0);
    await machine.renew(599);
    expect(restarts()).toBe(1);
    expect(machine.guard.whyNot()).toBeNull();
    await clock.pass(1_000);
    await machine.renew(600);
    expect(restarts()).toBe(1);
    await clock.pass(1_400);
    expect(machine.guard.whyNot()).toContain('waits for a renewal');
  });

  it('is not put off before the orders were read since the machine registered', async () => {
    machine.isCurrent = false;
    await machine.attach();
    await machine.keep(ordered);
    await machine.renew();
    expect(restarts()).toBe(0);
    await clock.pass(100);
    await machine.readOrders();
    expect(restarts()).toBe(1);
  });

  it('is put off by a new daemon as soon as it reaches systemd', async () => {
    await machine.attach();
    await machine.keep(ordered);
    machine = new TestMachine();
    await machine.renew();
    await clock.pass(200);
    await machine.attach();
    expect(restarts()).toBe(1);
  });

  it('that cannot be made keeps its units back, and is tried again', async () => {
    await machine.attach();
    await machine.renew();
    rmSync(join(root, 'run/systemd'), { recursive: true });
    writeFileSync(join(root, 'run/systemd'), 'in the way');
    await machine.keep(ordered);
    expect(machine.guard.whyNot()).toContain('waits for a renewal');
    expect(machine.log.messages()).toEqual(['no guard for OnPartition=stop']);
    rmSync(join(root, 'run/systemd'));
    await clock.pass(1_000);
    expect(machine.nudgeCount).toBe(1);
    await machine.renew();
    await machine.keep(ordered);
    expect(machine.guard.whyNot()).toBeNull();
  });

  it('is the shortest that an order or the lease asks for', async () => {
    await machine.attach();
    await machine.keep(anOrder('launch', { guard: { ...guard, deadlineMs: 8_000 } }));
    const path = join(root, 'run/systemd/system/fleet-deadline.service');
    expect(readFileSync(path, 'utf8')).toContain('RuntimeMaxSec=5000ms\n');
    await machine.keep(anOrder('launch', { guard: { ...guard, deadlineMs: 1_600 } }));
    expect(readFileSync(path, 'utf8')).toContain('RuntimeMaxSec=1600ms\n');
    expect(systemd.calls).toContain('reload');
  });
});

describe('an isolation', () => {
  beforeEach(async () => {
    await machine.attach();
    await machine.keep(ordered);
    await machine.renew();
    writeFileSync(marker(), '');
  });

  it('ends with a renewal and current orders, and what was started counts as never started', async () => {
    await clock.pass(2_400);
    await machine.keep(ordered);
    expect(machine.guard.whyNot()).toContain('was cut off');
    expect([existsSync(marker()), machine.forgotten]).toEqual([true, []]);
    await machine.renew();
    await machine.keep(ordered);
    await expect.poll(() => existsSync(marker())).toBe(false);
    expect(machine.forgotten).toEqual([web]);
    expect(systemd.calls).toContain('stop fleet-isolated.service');
    expect(machine.guard.whyNot()).toBeNull();
  });

  it('does not end while the orders may be older than the registration', async () => {
    machine.isCurrent = false;
    await machine.keep(ordered);
    await machine.renew();
    await machine.keep(ordered);
    expect(existsSync(marker())).toBe(true);
  });

  it('is seen after a start that its condition held back', async () => {
    expect(() => machine.guard.requireSafe()).not.toThrow();
    await expect(machine.guard.requireStarted()).rejects.toThrow('cut off meanwhile');
    expect(() => machine.guard.requireSafe()).toThrow('was cut off');
  });
});

describe('a machine that was suspended', () => {
  it('counts its lease as lost, and stops them itself', async () => {
    await machine.attach();
    await machine.keep(ordered);
    await machine.renew();
    machine.sleptMs = 3_500;
    await machine.renew();
    expect(restarts()).toBe(1);
    expect(systemd.calls).toContain('restart fleet-isolated.service');
  });

  it('does so when it hears that the lease is lost, too', async () => {
    await machine.attach();
    await machine.keep(ordered);
    await machine.renew();
    machine.sleptMs = 60_000;
    machine.lose();
    expect(systemd.calls).toContain('restart fleet-isolated.service');
  });
});
