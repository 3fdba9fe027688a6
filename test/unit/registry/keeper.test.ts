import { expect, test } from 'vitest';
import type { Seat } from '../../../src/registry/etcd-messages.ts';
import { Keeper } from '../../../src/registry/keeper.ts';
import type { KeeperReport } from '../../../src/registry/keeper-words.ts';
import type { LeasePort } from '../../../src/registry/lease-wire.ts';
import type { RenewalAnswer } from '../../../src/registry/member-link.ts';
import { MemoryStore } from '../../../src/registry/memory-store.ts';
import type { LeaseId, LeaseStanding } from '../../../src/registry/store.ts';
import type { Signs } from '../../../src/registry/vital-signs.ts';
import { ManualClock } from '../../builders/manual-clock.ts';

const ttlMs = 3000;
const wedgeMs = 15_000;
const never = new AbortController().signal;

type OnAnswer = (answer: RenewalAnswer) => void;

/** A wire to a store in memory, which can be cut. */
class MemoryWire implements LeasePort {
  readonly endpoint = 'http://memory';
  readonly vacated: Seat[] = [];
  isCut = false;
  renewCount = 0;
  sentAtMs = 0;
  #answered: OnAnswer = () => undefined;
  readonly #store: MemoryStore;

  constructor(store: MemoryStore) {
    this.#store = store;
  }
  async renew(leaseId: LeaseId, withinMs: number): Promise<LeaseStanding | null> {
    if (this.isCut) throw new Error('connect ECONNREFUSED');
    this.renewCount += 1;
    const sentAtMs = this.sentAtMs;
    const standing = await this.#store.renewLease(leaseId, withinMs, never);
    this.#answered({ leaseId, standing, sentAtMs });
    return standing;
  }
  async inspect(leaseId: LeaseId): Promise<LeaseStanding | null> {
    return this.#store.inspectLease(leaseId, never);
  }
  async vacate(seat: Seat): Promise<boolean> {
    this.vacated.push(seat);
    return this.vacated.length === 1;
  }
  prefer(): void {
    // One member.
  }
  onAnswer(listener: OnAnswer): void {
    this.#answered = listener;
  }
}

/** A keeper on a store in memory, whose daemon shows what signs a test gives it. */
async function kept(some: { readonly signs?: (nowMs: number) => Signs } = {}) {
  const clock = new ManualClock();
  const store = new MemoryStore(clock);
  const wire = new MemoryWire(store);
  const reports: KeeperReport[] = [];
  const lines: string[] = [];
  const machine = { sleptMs: 0 };
  const well = (nowMs: number): Signs => ({ loopAtMs: nowMs, systemdAtMs: nowMs });
  const keeper = new Keeper({
    ...{ clock, wire, wedgeMs, leaderKey: 'leader' },
    signs: () => (some.signs ?? well)(clock.nowMs()),
    bootMs: () => 50_000 + clock.nowMs() + machine.sleptMs,
    tell: (report) => void reports.push(report),
    say: (line) => void lines.push(line),
  });
  const { leaseId } = await store.grantLease(ttlMs, never);
  keeper.obey({ kind: 'keep', number: 1, leaseId, ttlMs, atOnce: false });
  const isAlive = async (): Promise<boolean> => (await wire.inspect(leaseId)) !== null;
  const kinds = (): readonly string[] => [...new Set(reports.map(({ kind }) => kind))];
  return { clock, wire, keeper, reports, lines, machine, leaseId, isAlive, kinds };
}

test('a daemon that works is renewed every third of the TTL, and nothing more is asked', async () => {
  const { clock, wire, isAlive, kinds, lines } = await kept();
  await clock.pass(10 * ttlMs);
  expect([await isAlive(), wire.renewCount, kinds(), lines]).toEqual([true, 30, ['answered'], []]);
  expect(wire.vacated).toEqual([]);
});

test('a first renewal can be had at once', async () => {
  const { clock, wire, keeper, leaseId } = await kept();
  keeper.obey({ kind: 'keep', number: 2, leaseId, ttlMs, atOnce: true });
  await clock.pass(1);
  expect(wire.renewCount).toBe(1);
});

test('a renewal that failed is tried again within a sixth of the TTL', async () => {
  const { clock, wire, reports, isAlive } = await kept();
  wire.isCut = true;
  await clock.pass(ttlMs);
  const failed = reports.filter(({ kind }) => kind === 'failed');
  expect(failed.length).toBeGreaterThanOrEqual(4);
  expect(failed[0]).toMatchObject({ endpoint: 'http://memory', problem: expect.any(String) });
  wire.isCut = false;
  await clock.pass(ttlMs / 6);
  expect(reports.at(-1)?.kind).toBe('gone'); // the store ended it, and only the store
  expect(await isAlive()).toBe(false);
});

test('a stuck loop keeps its lease up to wedge_seconds, and its leadership for a TTL', async () => {
  const { clock, wire, keeper, lines, reports, isAlive } = await kept({
    signs: (nowMs) => ({ loopAtMs: Math.min(nowMs, 6_000), systemdAtMs: nowMs }),
  });
  keeper.obey({ kind: 'lead', term: '77' });
  await clock.pass(6_000 + ttlMs);
  expect(wire.vacated).toEqual([]);
  await clock.pass(ttlMs / 3 + 1);
  expect(wire.vacated[0]).toMatchObject({ key: 'leader', term: '77' });
  expect(reports.filter(({ kind }) => kind === 'stood-down')).toHaveLength(1);
  await clock.pass(wedgeMs - ttlMs);
  expect(await isAlive()).toBe(true);
  await clock.pass(2 * ttlMs);
  expect(await isAlive()).toBe(false);
  expect(reports.filter(({ kind }) => kind === 'withheld')).toHaveLength(1); // it reads none of them
  expect(reports.at(-1)?.kind).toBe('gone');
  expect(lines.join('\n')).toMatch(/gave up leading.*left to expire/s);
});

test('an agent cut off from systemd loses the lease after wedge_seconds, and leads till then', async () => {
  const { clock, wire, reports, isAlive } = await kept({
    signs: (nowMs) => ({ loopAtMs: nowMs, systemdAtMs: 1 }),
  });
  await clock.pass(wedgeMs);
  expect(await isAlive()).toBe(true);
  await clock.pass(2 * ttlMs);
  expect([await isAlive(), wire.vacated]).toEqual([false, []]);
  expect(reports.find(({ kind }) => kind === 'withheld')).toMatchObject({ why: 'systemd' });
  expect(reports.at(-1)?.kind).toBe('gone');
});

test('a daemon that comes back before its lease has expired keeps it', async () => {
  const backAtMs = wedgeMs + ttlMs / 2;
  const { clock, lines, isAlive, kinds } = await kept({
    signs: (nowMs) => ({ loopAtMs: nowMs, systemdAtMs: nowMs < backAtMs ? 1 : nowMs }),
  });
  await clock.pass(wedgeMs + 3 * ttlMs);
  expect([await isAlive(), kinds()]).toEqual([true, ['answered', 'withheld']]);
  expect(lines.at(-1)).toContain('works again');
});

test('after a sleep of more than a TTL the lease counts as lost, before it is renewed', async () => {
  const { clock, wire, reports, machine } = await kept();
  await clock.pass(ttlMs);
  machine.sleptMs = ttlMs - 1;
  await clock.pass(ttlMs);
  expect(reports.map(({ kind }) => kind)).not.toContain('slept');
  const { renewCount } = wire;
  machine.sleptMs += ttlMs + 1;
  await clock.pass(ttlMs);
  expect(reports.at(-1)).toMatchObject({ kind: 'slept', number: 1, sleptMs: ttlMs + 1 });
  expect(wire.renewCount).toBe(renewCount);
});

test('a lease that was let go is renewed no more', async () => {
  const { clock, wire, keeper, isAlive } = await kept();
  await clock.pass(ttlMs);
  keeper.obey({ kind: 'let-go' });
  const { renewCount } = wire;
  await clock.pass(2 * ttlMs);
  expect([wire.renewCount, await isAlive()]).toEqual([renewCount, false]);
});

test('troubles of the wire are told in the words of the registry', async () => {
  const { clock, wire, reports } = await kept();
  wire.isCut = true;
  await clock.pass(ttlMs / 2);
  const failed = reports.find((report) => report.kind === 'failed');
  expect(failed?.problem).toBe('etcd at http://memory: connect ECONNREFUSED');
});
