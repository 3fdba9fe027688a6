import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { becomeMember, followStore, type MembershipOptions } from '../../src/daemon/membership.ts';
import { storeControl } from '../../src/daemon/store-control.ts';
import { StoreMemory, storeRecordsIn } from '../../src/daemon/store-memory.ts';
import { clusterCodec } from '../../src/registry/codec.ts';
import { readWhole } from '../../src/registry/paged-read.ts';
import type { Store, StoredItem } from '../../src/registry/store.ts';
import { CapturedLog } from '../builders/captured-log.ts';
import {
  aName,
  aSubmission,
  type Daemon,
  type LedgerSubject,
  never,
  ordering,
  TestCluster,
  ttlMs,
} from './ledger-subject.ts';

/** A store behind one address, which can become another one. */
export interface IdentitySubject extends LedgerSubject {
  /** Keeps everything as it is now, for later. */
  backup(): Promise<void>;
  /** From now on this answers at the address of the given daemons. */
  become(
    what: 'the backup' | 'empty' | 'another cluster',
    daemons: readonly Daemon[],
  ): Promise<void>;
}

/** A daemon with its memory, following its store until it is killed. */
interface Member {
  readonly daemon: Daemon;
  readonly log: CapturedLog;
  readonly options: MembershipOptions;
  kill(): Promise<void>;
}

const prefix = '/identity/';

/** What must hold when another store answers than the one that was followed. */
export function identityContract(name: string, open: () => Promise<IdentitySubject>): void {
  describe(`the identity contract on ${name}`, () => {
    let subject: IdentitySubject;
    let cluster: TestCluster;
    const folders: string[] = [];
    const ends: (() => void)[] = [];
    beforeEach(async () => {
      subject = await open();
      cluster = new TestCluster(subject, prefix);
    });
    afterEach(async () => {
      for (const end of ends.splice(0)) end();
      await cluster.stop();
      await subject.stop();
      for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
    });

    const start = (daemon: Daemon, folder: string): Member => {
      const log = new CapturedLog();
      const { clock } = subject;
      const memory = new StoreMemory(storeRecordsIn({ run: folder, state: folder }), clock, log);
      const options = { registry: daemon, memory, clock, log };
      const end = new AbortController();
      ends.push(() => {
        end.abort();
        memory.flush(); // what is written later would be written into a folder that is gone
      });
      const living = becomeMember(options, end.signal).then(async () => {
        await Promise.all([followStore(options, end.signal), daemon.registration.keep(end.signal)]);
      });
      const kill = async (): Promise<void> => {
        end.abort();
        memory.flush();
        await daemon.crash();
        await cluster.done(living);
      };
      return { daemon, log, options, kill };
    };
    const aFolder = (): string => {
      const folder = mkdtempSync(join(tmpdir(), 'identity-'));
      folders.push(folder);
      return folder;
    };
    const aMember = async (id: string, folder = aFolder()): Promise<Member> => {
      const member = start(cluster.boot(id), folder);
      await cluster.until(`${id} joined`, () => member.daemon.registration.isRegistered);
      return member;
    };
    const parts = (): Parts => ({ subject, cluster, start, aFolder, aMember });

    freezeTests(parts);
    adoptTests(parts);
    formatTests(parts);
  });
}

interface Parts {
  readonly subject: IdentitySubject;
  readonly cluster: TestCluster;
  start(daemon: Daemon, folder: string): Member;
  aFolder(): string;
  aMember(id: string, folder?: string): Promise<Member>;
}

function isFreeze(message: string): boolean {
  return message.startsWith('froze');
}

function isFrozen({ daemon, log }: Member): boolean {
  // Looked at, that is, and told: an answer alone closes the gate a moment earlier.
  return daemon.gate.standing.kind === 'frozen' && log.messages().some(isFreeze);
}

function words({ log }: Member): readonly string[] {
  return log.messages().filter((message) => /froze|thawed/.test(message));
}

/** All keys as they are, but for what hangs on leases. */
async function kept(cluster: TestCluster, store: Store): Promise<readonly StoredItem[]> {
  const ranges = [{ range: { from: prefix, to: `${prefix}~` }, keysOnly: false }];
  const { items } = await cluster.done(readWhole(store, { ranges, revision: null }, never));
  return items.filter(({ leaseId }) => leaseId === null);
}

function freezeTests(parts: () => Parts): void {
  for (const what of ['the backup', 'empty', 'another cluster'] as const) {
    test(`daemons that find ${what} instead of their store change nothing`, async () => {
      const { subject, cluster, aMember } = parts();
      const [one, two] = [await aMember('1'), await aMember('2')];
      const session = await one.daemon.lead();
      await subject.backup();
      await cluster.done(session.commit([ordering('2', 'a.service')], never));
      const { ledger } = two.daemon;
      await cluster.until('2 has its order', () => ledger.orderBook()?.orders.size === 1);
      await subject.become(what, [one.daemon, two.daemon]);
      const found = await kept(cluster, subject.openStore());
      await cluster.until('both are frozen', () => isFrozen(one) && isFrozen(two));
      expect(session.isLive()).toBe(false);
      expect(ledger.orderBook()).toBeNull();
      const submitting = cluster.done(one.daemon.catalog.submit(aSubmission('b.service'), never));
      await expect(submitting).rejects.toMatchObject({ trouble: { code: 'registry/not-ours' } });
      const reading = cluster.done(one.daemon.catalog.readUnit(aName('a.service'), never));
      await expect(reading).rejects.toMatchObject({ trouble: { code: 'registry/not-ours' } });
      await subject.pass(3_000); // longer than any lease: whatever it says of ours is not believed
      expect(one.daemon.lease.id).not.toBeNull();
      expect(await kept(cluster, subject.openStore())).toEqual(found);
      expect([words(one), words(two)]).toEqual(Array(2).fill(['froze: the store is not ours']));
    });
  }

  test('a daemon that starts at a store that went back remembers how far it was', async () => {
    const { subject, cluster, start, aFolder, aMember } = parts();
    const folder = aFolder();
    const first = await aMember('1', folder);
    await subject.backup();
    await cluster.done(first.daemon.catalog.submit(aSubmission('a.service'), never));
    await first.kill();
    await subject.become('the backup', [first.daemon]);
    const second = start(cluster.boot('1'), folder);
    await cluster.until('it is frozen', () => isFrozen(second));
    expect(second.daemon.gate.standing).toMatchObject({ why: 'store-went-back' });
    await second.kill();
  });
}

function adoptTests(parts: () => Parts): void {
  for (const what of ['the backup', 'empty'] as const) {
    test(`one word makes all daemons follow ${what}, and a restarted one too`, async () => {
      const { subject, cluster, start, aFolder, aMember } = parts();
      const folder = aFolder();
      const [one, two] = [await aMember('1'), await aMember('2', folder)];
      const session = await one.daemon.lead();
      await cluster.done(session.commit([ordering('2', 'a.service')], never));
      await subject.backup();
      await cluster.done(session.commit([ordering('2', 'b.service')], never));
      await session.close();
      const { clusterId, revision } = one.daemon.gate.known ?? {};
      // An idle daemon, too, hears with each renewal how far the store is.
      await cluster.until('2 knows', () => two.daemon.gate.known?.revision === revision);
      await subject.become(what, [one.daemon, two.daemon]);
      await cluster.until('both are frozen', () => isFrozen(one) && isFrozen(two));
      const outcome = await cluster.done(storeControl(one.options).adopt(never));
      expect(outcome).toEqual({ kind: 'adopted', clusterId, epoch: 2 });
      const { registration, ledger } = two.daemon;
      await cluster.until('2 follows it', () => ledger.orderBook() !== null);
      expect(ledger.orderBook()?.orders.size).toBe(what === 'empty' ? 0 : 1);
      await cluster.until('2 is registered', () => registration.isRegistered);
      expect(words(two)).toEqual(['froze: the store is not ours', 'thawed: the store is ours']);
      await cluster.done(one.daemon.catalog.submit(aSubmission('c.service'), never));
      const again = await cluster.done(one.daemon.lead());
      expect(again.absenceCountsInMs()).toBeGreaterThan(2_000); // others may thaw a little later
      await two.kill();
      const reborn = cluster.boot('2');
      const third = start(reborn, folder);
      await cluster.until('2 is back', () => reborn.registration.isRegistered);
      expect(words(third)).toEqual([]);
      await third.kill();
    });
  }

  test('the store of another cluster is not adopted', async () => {
    const { subject, cluster, aMember } = parts();
    const one = await aMember('1');
    await subject.become('another cluster', [one.daemon]);
    await cluster.until('it is frozen', () => isFrozen(one));
    const outcome = await cluster.done(storeControl(one.options).adopt(never));
    expect(outcome).toMatchObject({ kind: 'refused', why: expect.stringContaining('of cluster') });
    expect(isFrozen(one)).toBe(true);
  });

  test('an idle daemon asks for nothing but its lease, and writes nothing down', async () => {
    const { subject, aFolder, aMember } = parts();
    const folder = aFolder();
    const { daemon } = await aMember('1', folder);
    await subject.pass(2_000);
    const look = (): unknown => {
      const asked = [...daemon.store.counts()].flatMap(([kind, { sentCount }]) => {
        return kind === 'renewal' ? [] : [[kind, sentCount]];
      });
      const written = ['revision.json', 'cluster.json'].map((name) => {
        return statSync(join(folder, name)).mtimeMs;
      });
      return { asked, written };
    };
    const before = look();
    await subject.pass(3 * ttlMs);
    expect(look()).toEqual(before);
  });

  test('a store that is ours needs no adoption', async () => {
    const { cluster, aMember } = parts();
    const one = await aMember('1');
    const outcome = await cluster.done(storeControl(one.options).adopt(never));
    expect(outcome).toEqual({ kind: 'unneeded' });
  });
}

function formatTests(parts: () => Parts): void {
  test('the format is raised when every machine understands it, and older ones freeze', async () => {
    const { subject, cluster, start, aFolder, aMember } = parts();
    const old = await aMember('1');
    const fresh = start(cluster.boot('2', 'boot-1', '10.0.0.2', 2), aFolder());
    await cluster.until('2 joined', () => fresh.daemon.registration.isRegistered);
    const control = storeControl(fresh.options);
    const early = await cluster.done(control.finishUpgrade(never));
    expect(early).toMatchObject({ kind: 'refused', why: expect.stringContaining('machine 1') });
    old.daemon.faults.cut();
    await subject.pass(2 * ttlMs);
    expect(await cluster.done(control.finishUpgrade(never))).toEqual({ kind: 'raised', format: 2 });
    old.daemon.faults.heal();
    await cluster.until('the old one is frozen', () => isFrozen(old));
    expect(old.daemon.gate.standing).toMatchObject({ why: 'store-too-new' });
    expect(await cluster.done(control.finishUpgrade(never))).toEqual({
      kind: 'unneeded',
      format: 2,
    });
    const found = await kept(cluster, subject.openStore());
    const record = found.find(({ key }) => key === `${prefix}cluster`);
    expect(clusterCodec.decode(record?.value ?? '')).toMatchObject({
      value: { formatNeeded: 2, epoch: 1 },
    });
  });
}
