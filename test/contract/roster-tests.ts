import { expect, test } from 'vitest';
import { rest } from '../../src/lib/clock.ts';
import type { Brake } from '../../src/model/brake.ts';
import type { Change, Decision } from '../../src/model/change.ts';
import type { MachineId } from '../../src/model/ids.ts';
import type { Member } from '../../src/model/machine.ts';
import {
  aName,
  anOrder,
  type LedgerSubject,
  never,
  type TestCluster,
  ttlMs,
} from './ledger-subject.ts';

const away = 'a'.repeat(32) as MachineId;
const brake: Brake = {
  ...{ sinceMs: 5, untilMs: 60_005, isEasing: false, goneCount: 3, ofCount: 5 },
  waiting: [away],
  released: [],
};
const member: Member = {
  id: away,
  ...{ bootId: 'boot' as Member['bootId'], address: '10.0.0.9', version: '1' },
  ...{ firstSeenMs: 1, leaving: false, vanishedMs: 2 },
};

function decision(...changes: readonly Change[]): Decision {
  return { subject: 'a test', reason: 'a test', changes };
}

/** What must hold of the brake and of machines that are away on every store. */
export function rosterTests(
  parts: () => { readonly cluster: TestCluster; readonly subject: LedgerSubject },
): void {
  test('every daemon reads the brake that the leader put on, and may ask to end that one', async () => {
    const { cluster } = parts();
    const [one, two] = [await cluster.join('1'), await cluster.join('2')];
    const session = await one.lead();
    expect(await cluster.done(two.roster.endBrake(never))).toBe('off');
    await cluster.done(session.commit([decision({ kind: 'brake', brake })], never));
    expect(session.picture().brake).toEqual(brake);
    expect(await cluster.done(two.roster.readBrake(never))).toEqual(brake);
    expect(await cluster.done(two.roster.endBrake(never))).toBe('asked');
    await cluster.until('the leader hears of it', () => session.picture().resumedMs === 5);
    await cluster.done(session.commit([decision({ kind: 'brake', brake: null })], never));
    expect(session.picture().brake).toBeNull();
    expect(await cluster.done(two.roster.endBrake(never))).toBe('off');
  });

  test('a member that is away is forgotten with its orders and metadata, and nobody else', async () => {
    const { cluster } = parts();
    const daemon = await cluster.join('1');
    const session = await daemon.lead();
    const unit = aName('a.service');
    const order = anOrder();
    await cluster.done(
      session.commit(
        [decision({ kind: 'member', member }, { kind: 'order', machine: away, unit, order })],
        never,
      ),
    );
    const changes = [
      { machine: away, key: 'rack', value: 'r1' },
      { machine: daemon.self.id, key: 'rack', value: 'r2' },
    ];
    await cluster.done(daemon.catalog.changeMetadata(changes, never));
    const before = await cluster.done(
      daemon.roster.readMembers({ start: null, limitCount: 10 }, never),
    );
    expect(before.items).toEqual([{ id: away, machine: null, member }]);
    expect(await cluster.done(daemon.roster.forget(away, never))).toBe('asked');
    await cluster.until('the leader hears of it', () => session.picture().forgetting.has(away));
    const withdraw: Change = { kind: 'withdraw', machine: away, unit };
    const forget: Change = { kind: 'forget-member', machine: away };
    const wish: Change = { kind: 'forget-wish', machine: away };
    const done = session.commit([decision(withdraw, forget, wish)], never);
    expect(await cluster.done(done)).toBe('committed');
    const { everything } = daemon.keys;
    const request = { range: everything, limitCount: 100, revision: null, keysOnly: true };
    const left = await cluster.done(daemon.store.range(request, never));
    const keys = left.ok ? left.value.items.map(({ key }) => key) : [];
    expect(keys.filter((key) => key.includes(away))).toEqual([]);
    expect(keys).toContain(daemon.keys.metadata(daemon.self.id, 'rack'));
    expect(await cluster.done(daemon.roster.forget(away, never))).toBe('unknown');
  });

  test('a machine that is there is not forgotten, neither by the API nor by the leader', async () => {
    const { cluster } = parts();
    const daemon = await cluster.join('1');
    const session = await daemon.lead();
    const { id } = daemon.self;
    const own = decision({ kind: 'member', member: { ...member, id } });
    await cluster.done(session.commit([own], never));
    expect(await cluster.done(daemon.roster.forget(id, never))).toBe('present');
    const forget = decision({ kind: 'forget-member', machine: id });
    expect(await cluster.done(session.commit([forget], never))).toBe('superseded');
    expect(session.picture().members.has(id)).toBe(true);
  });

  test('a machine whose lease nobody renews is seen before it vanishes', async () => {
    const { cluster, subject } = parts();
    const [one, two] = [await cluster.join('1'), await cluster.join('2')];
    const session = await one.lead();
    expect([...(await cluster.done(session.overdueMachines(1, never)))]).toEqual([]);
    await two.crash();
    let late: readonly MachineId[] = [];
    for (let tryCount = 1; tryCount <= 8 && late.length === 0; tryCount += 1) {
      late = [...(await cluster.done(session.overdueMachines(1, never)))];
      if (late.length === 0) await cluster.done(rest(ttlMs / 8, subject.clock, never));
    }
    expect(late).toEqual([two.self.id]);
  });
}
