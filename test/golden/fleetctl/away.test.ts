import { expect, it } from 'vitest';
import { brakeNotices } from '../../../src/model/brake.ts';
import type { BootId } from '../../../src/model/ids.ts';
import type { Member } from '../../../src/model/machine.ts';
import { brakeCodec, memberCodec } from '../../../src/registry/codec.ts';
import { aPlacement, named } from '../../builders/cluster.ts';
import { machineId } from '../../builders/fake-cluster.ts';
import { aSession, type Session } from '../../builders/fleetctl-session.ts';

const sinceMs = Date.UTC(2026, 0, 2, 3, 4, 5);
const brake = {
  ...{ sinceMs, untilMs: sinceMs + 60_000, isEasing: false, goneCount: 3, ofCount: 5 },
  waiting: [machineId(3), machineId(4), machineId(5)],
  released: [],
};

/** Two machines that are there, one of them recorded, and four that are away. */
async function aBrokenCluster(): Promise<Session> {
  const session = await aSession({ machineCount: 2 });
  const { cluster } = session;
  const member = (number: number, some: Partial<Member>): Promise<void> => {
    const record: Member = {
      id: machineId(number),
      ...{ bootId: 'b' as BootId, address: `10.0.0.${number}`, version: '1.0.0' },
      ...{ firstSeenMs: 0, leaving: false, vanishedMs: null, ...some },
    };
    return cluster.put(cluster.keys.member(record.id), memberCodec.encode(record));
  };
  await member(1, {});
  await member(3, { vanishedMs: sinceMs });
  await member(4, { vanishedMs: sinceMs - 86_400_000, leaving: true });
  await member(5, {});
  await cluster.put(cluster.keys.member(machineId(6)), 'not a record');
  return session;
}

/** The leader of this cluster forgets whom it is told to. */
function forgetting({ cluster }: Session): void {
  const { store, keys } = cluster;
  const from = (store.revision + 1n) as typeof store.revision;
  store.watch(keys.everything, from, {
    events: (events) => {
      for (const event of events) {
        const meaning = event.kind === 'put' ? keys.meaning(event.item.key) : null;
        if (meaning?.kind !== 'forgetting') continue;
        const writes = [keys.member(meaning.machine), keys.forgetting(meaning.machine)];
        void store.txn(
          { onlyIf: [], writes: writes.map((key) => ({ kind: 'delete', key })) },
          new AbortController().signal,
        );
      }
    },
    alive: () => undefined,
    ended: () => undefined,
  });
}

async function script(session: Session, ...lines: readonly string[]): Promise<string> {
  const texts: string[] = [];
  for (const line of lines) texts.push(await session.transcript(...line.split(' ')));
  return texts.join('\n');
}

it('what fleetctl prints of machines that are away is as recorded', async () => {
  await using session = await aBrokenCluster();
  forgetting(session);
  const text = await script(
    session,
    'list-machines',
    'list-machines --all',
    'list-machines --all --full --no-legend --fields seen,machine',
    'list-machines --all -o json',
    'forget 1111',
    'forget 9999',
    'forget 33333333...',
    'list-machines --all --no-legend',
  );
  await expect(text).toMatchFileSnapshot('./expected/away.txt');
});

it('a beginning that fits several machines names them', async () => {
  await using session = await aBrokenCluster();
  const { cluster } = session;
  const other = `3${'0'.repeat(31)}`;
  await cluster.put(`${cluster.keys.prefix}members/${other}`, 'not a record');
  const { status, err } = await session.run('forget', '3');
  expect([status, err]).toEqual([
    1,
    `fleetctl: 3 may be ${other} or ${machineId(3)}\ngive more of its id\n`,
  ]);
});

it('what fleetctl prints while the brake is on is as recorded', async () => {
  await using session = await aBrokenCluster();
  const { cluster } = session;
  session.file('web.service', '[Service]\nExecStart=/bin/sleep 1d\n');
  await session.run('start', `${session.server.folder}/web.service`);
  await cluster.settled();
  const name = named('web');
  const view = await cluster.catalog.readUnit(name, new AbortController().signal);
  if (view === null) throw new Error('not stored');
  await cluster.place(
    name,
    aPlacement(view.record, machineId(3), {
      reason: 'machine 33333333 vanished with most others; waits for the brake',
      objections: [{ why: 'the brake is on', count: 0, machines: [] }],
    }),
  );
  await cluster.put(cluster.keys.brake, brakeCodec.encode(brake));
  session.notices.push(...brakeNotices(brake));
  const during = await script(session, 'list-machines', 'list-units', 'resume');
  const eased = { ...brake, isEasing: true, waiting: brake.waiting.slice(1) };
  session.notices.splice(0, 1, ...brakeNotices(eased));
  const easing = await script(session, 'list-machines --no-legend');
  await cluster.put(cluster.keys.brake, brakeCodec.encode({ ...brake, waiting: [] }));
  session.notices.splice(0);
  const after = await script(session, 'list-units', 'resume');
  const text = [during, easing, after].join('\n');
  await expect(text).toMatchFileSnapshot('./expected/brake.txt');
});
