import { expect, test } from 'vitest';
import { unbraked } from '../../../src/engine/brake.ts';
import { runEngine } from '../../../src/engine/engine.ts';
import { FleetError } from '../../../src/lib/error.ts';
import type { ClusterPicture } from '../../../src/model/cluster-picture.ts';
import { CapturedLog } from '../../builders/captured-log.ts';
import { aMachine, aPicture, aUnit, machineId, named } from '../../builders/cluster.ts';
import { ManualClock } from '../../builders/manual-clock.ts';
import { electionOf, MemorySession } from '../../builders/memory-session.ts';

const web = named('web');
const record = aUnit(web);

function oneUnitOneMachine(): ClusterPicture {
  return aPicture({
    units: new Map([[web, record]]),
    machines: new Map([[machineId(1), aMachine(machineId(1))]]),
    texts: new Set([record.contentHash]),
  });
}

interface Running {
  readonly clock: ManualClock;
  readonly log: CapturedLog;
  stop(): Promise<void>;
}

function run(...sessions: readonly MemorySession[]): Running {
  const clock = new ManualClock();
  const log = new CapturedLog();
  const abort = new AbortController();
  const brake = { ttlMs: 3_000, brakeMs: 60_000 };
  const election = electionOf(...sessions);
  const ended = runEngine({ election, clock, log, brake }, abort.signal);
  const stop = async (): Promise<void> => {
    abort.abort();
    await clock.pass(0);
    await ended;
  };
  return { clock, log, stop };
}

test('a new leader places what has no machine, and says so in one line each', async () => {
  const session = new MemorySession(oneUnitOneMachine());
  const engine = run(session);
  await engine.clock.pass(100);
  expect(session.picture().placements.get(web)?.machine).toBe(machineId(1));
  expect(session.picture().orders.get(machineId(1))?.get(web)?.want).toBe('launch');
  expect(engine.log.messages()).toEqual(['became leader', 'machine changed', 'placed']);
  await engine.stop();
  expect(session.isClosed).toBe(true);
});

test('nothing is written and nothing is logged while nothing changes', async () => {
  const session = new MemorySession(oneUnitOneMachine());
  const engine = run(session);
  await engine.clock.pass(100);
  const [batchCount, lineCount] = [session.batches.length, engine.log.lines.length];
  session.show(session.picture());
  await engine.clock.pass(3_600_000);
  expect(session.batches.length).toBe(batchCount);
  expect(engine.log.lines.length).toBe(lineCount);
  expect(engine.clock.pendingCount).toBe(0);
  await engine.stop();
});

test('a change of the cluster is planned for without any other event', async () => {
  const session = new MemorySession(oneUnitOneMachine());
  const engine = run(session);
  await engine.clock.pass(100);
  const units = new Map([[web, { ...record, desired: 'inactive' as const }]]);
  session.show({ ...session.picture(), units });
  await engine.clock.pass(100);
  expect(session.picture().orders.get(machineId(1))?.get(web)?.want).toBe('gone');
  await engine.stop();
});

test.each(['superseded', 'unknown'] as const)(
  'a batch that came back %s is planned anew',
  async (answer) => {
    const session = new MemorySession(oneUnitOneMachine());
    session.answers.push(answer);
    const engine = run(session);
    await engine.clock.pass(100);
    expect(session.picture().placements.get(web)?.machine).toBe(machineId(1));
    expect(engine.log.messages().filter((message) => message === 'placed')).toEqual(['placed']);
    await engine.stop();
  },
);

test('a leader that is always overtaken slows down instead of spinning', async () => {
  const session = new MemorySession(oneUnitOneMachine());
  for (let count = 0; count < 1000; count++) session.answers.push('superseded');
  const engine = run(session);
  await engine.clock.pass(1_000);
  expect(session.answers.length).toBeGreaterThan(900);
  await engine.stop();
});

test('a deposed leader writes nothing more and stands again', async () => {
  const [first, second] = [
    new MemorySession(oneUnitOneMachine()),
    new MemorySession(oneUnitOneMachine(), 7n),
  ];
  first.answers.push('deposed');
  const engine = run(first, second);
  await engine.clock.pass(100);
  expect(first.batches).toEqual([]);
  expect(first.isClosed).toBe(true);
  expect(second.picture().placements.get(web)?.machine).toBe(machineId(1));
  expect(engine.log.messages().slice(0, 3)).toEqual([
    'became leader',
    'leads no more',
    'became leader',
  ]);
  await engine.stop();
});

test('a term that ended while the leader slept ends its work', async () => {
  const session = new MemorySession(oneUnitOneMachine());
  const engine = run(session);
  await engine.clock.pass(100);
  session.depose();
  await engine.clock.pass(100);
  expect(engine.log.messages().at(-1)).toBe('leads no more');
  await engine.stop();
});

test('while the store is away the leader tries again, later and later, and logs it once', async () => {
  const session = new MemorySession(oneUnitOneMachine());
  const away = new FleetError('etcd does not answer', {
    code: 'registry/unavailable',
    retry: 'soon',
    hint: 'look at etcd',
  });
  for (let count = 0; count < 5; count++) session.answers.push(away);
  const engine = run(session);
  await engine.clock.pass(60_000);
  expect(session.picture().placements.get(web)?.machine).toBe(machineId(1));
  const messages = engine.log.messages();
  expect(messages.filter((message) => message.startsWith('could not write'))).toHaveLength(1);
  expect(messages).toContain('could write again');
  await engine.stop();
});

test('a broken invariant is not swallowed', async () => {
  const session = new MemorySession(oneUnitOneMachine());
  session.answers.push(new TypeError('a bug'));
  const parts = {
    election: electionOf(session),
    clock: new ManualClock(),
    log: new CapturedLog(),
    brake: unbraked.rules,
  };
  await expect(runEngine(parts, new AbortController().signal)).rejects.toThrow('a bug');
});
