import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Submission } from '../../src/model/catalog.ts';
import type { MachineId, Revision, UnitIdentity } from '../../src/model/ids.ts';
import type { LeaderSession } from '../../src/model/ledger.ts';
import type { Placement } from '../../src/model/placement.ts';
import { readKeys } from '../../src/registry/paged-read.ts';
import type { LeaseId } from '../../src/registry/store.ts';
import { contentHash } from '../../src/unitfile/unit-hash.ts';
import {
  aName,
  anOrder,
  aReport,
  aSubmission,
  type Daemon,
  type LedgerSubject,
  never,
  ordering,
  TestCluster,
  ttlMs,
} from './ledger-subject.ts';
import { orphanTests } from './orphans-contract.ts';
import { rosterTests } from './roster-tests.ts';

/** What must hold of election, ledger, catalog and registration on every store. */
export function ledgerContract(name: string, open: () => Promise<LedgerSubject>): void {
  describe(`the ledger contract on ${name}`, () => {
    let subject: LedgerSubject;
    let cluster: TestCluster;
    let number = 0;
    beforeAll(async () => {
      subject = await open();
    });
    afterAll(() => subject.stop());
    beforeEach(() => {
      cluster = new TestCluster(subject, `/cluster-${number++}`);
    });
    afterEach(() => cluster.stop());
    const parts = () => ({ subject, cluster });

    clusterTests(parts);
    electionTests(parts);
    chainTests(parts);
    catalogTests(parts);
    agentTests(parts);
    orphanTests(parts);
    registrationTests(parts);
    rosterTests(parts);
  });
}

type Parts = () => { readonly subject: LedgerSubject; readonly cluster: TestCluster };

function clusterTests(parts: Parts): void {
  test('of two new machines one creates the cluster and both join the same', async () => {
    const { cluster } = parts();
    const memory = { clusterId: null, epoch: null, revision: null };
    const [first, second] = [cluster.boot('1'), cluster.boot('2')];
    const verdicts = await cluster.done(
      Promise.all([
        first.cluster.settle(memory, 'one', never),
        second.cluster.settle(memory, 'two', never),
      ]),
    );
    const ids = verdicts.map((verdict) =>
      verdict.kind === 'join' ? verdict.record.clusterId : '',
    );
    expect(ids[0]).toMatch(/one|two/);
    expect(ids[1]).toBe(ids[0]);
  });

  test('an emptied store is not ours: nobody writes into it', async () => {
    const { cluster } = parts();
    const daemon = await cluster.join('1');
    const writes = [{ kind: 'delete', key: daemon.keys.cluster }] as const;
    await cluster.done(daemon.store.txn({ onlyIf: [], writes }, never));
    const submitting = cluster.done(daemon.catalog.submit(aSubmission('a.service'), never));
    await expect(submitting).rejects.toMatchObject({ trouble: { code: 'registry/not-ours' } });
    const memory = { clusterId: 'cluster-of-1', epoch: 1, revision: null };
    const verdict = await cluster.done(daemon.cluster.settle(memory, 'new', never));
    expect(verdict).toMatchObject({ kind: 'freeze', why: 'store-not-ours' });
  });
}

function electionTests(parts: Parts): void {
  test('when the leader loses its lease, the other candidate leads', async () => {
    const { cluster } = parts();
    const [one, two] = [await cluster.join('1'), await cluster.join('2')];
    const first = await one.lead();
    const waiting = two.lead();
    let nudgeCount = 0;
    first.onChange(() => {
      nudgeCount += 1;
    });
    await cluster.done(one.lease.release(never));
    const second = await waiting;
    await cluster.until('the first session ended', () => !first.isLive());
    expect(nudgeCount).toBeGreaterThan(0);
    expect(second.isLive()).toBe(true);
    expect(second.term > first.term).toBe(true);
    expect([...second.picture().machines.keys()]).toEqual(['2']);
    await cluster.done(second.close());
  });

  test('a leader whose machine dies is followed by another after its TTL', async () => {
    const { cluster } = parts();
    const [one, two] = [await cluster.join('1'), await cluster.join('2')];
    await one.lead();
    await one.crash();
    const second = await two.lead();
    expect([...second.picture().machines.keys()]).toEqual(['2']);
  });

  test('a leadership that is closed is free at once', async () => {
    const { cluster } = parts();
    const daemon = await cluster.join('1');
    const first = await daemon.lead();
    await cluster.done(first.close());
    const second = await daemon.lead();
    expect(second.term > first.term).toBe(true);
  });

  test('a restarted daemon never inherits the leadership found on its own lease', async () => {
    const { cluster } = parts();
    const before = await cluster.join('1');
    const old = await before.lead();
    const after = await cluster.join('1'); // the same boot: it takes the same lease up
    expect(after.lease.id).toBe(before.lease.id);
    const session = await after.lead();
    expect(session.term > old.term).toBe(true);
    expect(await cluster.done(old.commit([ordering('1', 'a.service')], never))).toBe('deposed');
    expect(session.picture().orders.size).toBe(0);
  });

  test('a deposed leader writes nothing', async () => {
    const { cluster } = parts();
    const [one, two] = [await cluster.join('1'), await cluster.join('2')];
    const first = await one.lead();
    one.faults.mute(); // it does not hear that it is deposed: only the store can tell
    const writes = [{ kind: 'delete', key: two.keys.leader }] as const;
    await cluster.done(two.store.txn({ onlyIf: [], writes }, never));
    expect(first.isLive()).toBe(true);
    expect(await cluster.done(first.commit([ordering('2', 'a.service')], never))).toBe('deposed');
    expect(first.isLive()).toBe(false);
    const second = await two.lead();
    expect(second.picture().orders.size).toBe(0);
  });

  test('a picture is read again when the watch stays silent for one TTL', async () => {
    const { cluster } = parts();
    const [one, two] = [await cluster.join('1'), await cluster.join('2')];
    const session = await one.lead();
    one.faults.mute();
    await cluster.done(two.catalog.submit(aSubmission('a.service'), never));
    await cluster.until('it was read again', () => session.picture().units.size === 1);
  });
}

function chainTests(parts: Parts): void {
  const orderedOn = (session: LeaderSession): string[] =>
    [...session.picture().orders].flatMap(([machine, orders]) =>
      [...orders.keys()].map((unit) => `${unit} on ${machine}`),
    );

  test('a committed batch is in the picture, and earlier pictures stay as they were', async () => {
    const { cluster } = parts();
    const daemon = await cluster.join('1');
    const session = await daemon.lead();
    const before = session.picture();
    expect(session.picture()).toBe(before);
    const batch = [ordering('1', 'a.service'), ordering('1', 'b.service')];
    expect(await cluster.done(session.commit(batch, never))).toBe('committed');
    expect(orderedOn(session)).toEqual(['a.service on 1', 'b.service on 1']);
    expect(before.orders.size).toBe(0);
    expect(session.picture().revision > before.revision).toBe(true);
  });

  test('a lost transaction can never land after it was answered with unknown', async () => {
    const { cluster } = parts();
    const daemon = await cluster.join('1');
    const session = await daemon.lead();
    daemon.faults.holdNextTxn();
    const lost = session.commit([ordering('1', 'a.service')], never);
    expect(await cluster.done(lost)).toBe('unknown');
    const next = session.commit([ordering('2', 'a.service')], never);
    expect(await cluster.done(next)).toBe('committed');
    daemon.faults.releaseHeld();
    const after = session.commit([ordering('2', 'b.service')], never);
    expect(await cluster.done(after)).toBe('committed');
    expect(orderedOn(session)).toEqual(['a.service on 2', 'b.service on 2']);
  });

  test('a transaction whose answer was lost is in the picture if it happened', async () => {
    const { cluster } = parts();
    const daemon = await cluster.join('1');
    const session = await daemon.lead();
    daemon.faults.loseNextAnswer();
    const lost = session.commit([ordering('1', 'a.service')], never);
    expect(await cluster.done(lost)).toBe('unknown');
    expect(orderedOn(session)).toEqual(['a.service on 1']);
  });

  test('a lost answer stays open while the store is away; the next commit closes it', async () => {
    const { cluster } = parts();
    const daemon = await cluster.join('1');
    const session = await daemon.lead();
    daemon.faults.holdNextTxn();
    const lost = session.commit([ordering('1', 'a.service')], never);
    daemon.faults.cut();
    await expect(cluster.done(lost)).rejects.toMatchObject({
      trouble: { code: 'registry/unavailable' },
    });
    daemon.faults.heal();
    const next = session.commit([ordering('2', 'a.service')], never);
    expect(await cluster.done(next)).toBe('unknown');
    daemon.faults.releaseHeld();
    await cluster.done(session.commit([ordering('2', 'b.service')], never));
    expect(orderedOn(session)).toEqual(['b.service on 2']);
  });

  test('a unit is forgotten only with the identity that was decided on', async () => {
    const { cluster } = parts();
    const daemon = await cluster.join('1');
    const session = await daemon.lead();
    await cluster.done(daemon.catalog.submit(aSubmission('a.service'), never));
    await cluster.until('the leader sees it', () => session.picture().units.size === 1);
    const unit = aName('a.service');
    const forget = (identity: UnitIdentity) =>
      session.commit(
        [{ subject: unit, reason: 'test', changes: [{ kind: 'forget-unit', unit, identity }] }],
        never,
      );
    expect(await cluster.done(forget('another' as UnitIdentity))).toBe('superseded');
    const identity = session.picture().units.get(unit)?.identity;
    if (identity === undefined) throw new Error('the unit is not in the picture');
    expect(await cluster.done(forget(identity))).toBe('committed');
    expect(session.picture().units.size).toBe(0);
    const hash = aSubmission('a.service').contentHash;
    expect(session.picture().texts.has(hash)).toBe(true);
    const changes = [{ kind: 'forget-text', contentHash: hash }] as const;
    const forgetText = session.commit([{ subject: 'texts', reason: 'test', changes }], never);
    expect(await cluster.done(forgetText)).toBe('committed');
    expect(session.picture().texts.size).toBe(0);
  });

  test('the picture survives a broken watch and a compaction meanwhile', async () => {
    const { subject, cluster } = parts();
    const [one, two] = [await cluster.join('1'), await cluster.join('2')];
    const session = await one.lead();
    await cluster.done(two.catalog.submit(aSubmission('a.service'), never));
    one.faults.cut();
    await cluster.done(two.catalog.submit(aSubmission('b.service'), never));
    await cluster.done(two.catalog.destroy(aName('a.service'), never));
    const { revision } = await cluster.done(
      two.catalog.readUnits({ start: null, limitCount: 1 }, never),
    );
    await subject.compact(revision);
    one.faults.heal();
    await cluster.until('the leader caught up', () => {
      const { units } = session.picture();
      return units.size === 2 && units.get(aName('a.service'))?.gone === true;
    });
    expect(session.isLive()).toBe(true);
  });
}

function catalogTests(parts: Parts): void {
  const submit = async (daemon: Daemon, submission: Submission) =>
    parts().cluster.done(daemon.catalog.submit(submission, never));
  const read = async (daemon: Daemon, unit: string) =>
    parts().cluster.done(daemon.catalog.readUnit(aName(unit), never));

  test('a submission is created, unchanged, updated or replaced', async () => {
    const daemon = await parts().cluster.join('1');
    const first = aSubmission('a.service');
    expect(await submit(daemon, first)).toBe('created');
    expect(await submit(daemon, first)).toBe('unchanged');
    const created = await read(daemon, 'a.service');
    expect(created?.text).toBe(first.text);
    expect(await submit(daemon, { ...first, desired: 'loaded' })).toBe('updated');
    const commented = aSubmission('a.service', `# a comment\n${first.text}`);
    expect(await submit(daemon, commented)).toBe('updated');
    const updated = await read(daemon, 'a.service');
    expect(updated?.record.identity).toBe(created?.record.identity);
    expect(updated?.text).toBe(commented.text);
    expect(await submit(daemon, aSubmission('a.service', '[Service]\nType=idle\n'))).toBe(
      'replaced',
    );
    const replaced = await read(daemon, 'a.service');
    expect(replaced?.record.identity).not.toBe(created?.record.identity);
  });

  test('a oneshot that has finished is started again by asking once more, and by no retry', async () => {
    const { cluster } = parts();
    const daemon = await cluster.join('1');
    const session = await daemon.lead();
    const unit = aName('job.service');
    const submission = { ...aSubmission('job.service'), oneshot: true };
    await submit(daemon, submission);
    const ask = () => cluster.done(daemon.catalog.setDesired(unit, 'launched', never));
    const runOf = async () => (await read(daemon, 'job.service'))?.record.restartCount;
    expect(await ask()).toBe('unchanged');
    const identity = (await read(daemon, 'job.service'))?.record.identity ?? ('' as UnitIdentity);
    const placement: Placement = {
      machine: daemon.self.id,
      identity,
      sinceMs: 0,
      reason: 'finished',
      objections: [],
      refusals: [],
      finishedRun: 0,
    };
    const finished = { kind: 'place', unit, placement } as const;
    const decision = { subject: unit, reason: 'finished', changes: [finished] };
    await cluster.until('the leader sees the unit', () => session.picture().units.has(unit));
    expect(await cluster.done(session.commit([decision], never))).toBe('committed');
    expect((await read(daemon, 'job.service'))?.placement?.finishedRun).toBe(0);
    expect([await ask(), await runOf()]).toEqual(['updated', 1]);
    expect([await ask(), await submit(daemon, submission)]).toEqual(['unchanged', 'unchanged']);
    expect(await cluster.done(daemon.catalog.setDesired(unit, 'loaded', never))).toBe('updated');
    expect([await ask(), await runOf()]).toEqual(['updated', 2]);
  });

  test('a destroyed unit is missing at once, its record stays, and it can come again', async () => {
    const { cluster } = parts();
    const daemon = await cluster.join('1');
    const session = await daemon.lead();
    const unit = aName('a.service');
    await submit(daemon, aSubmission('a.service'));
    const identity = (await read(daemon, 'a.service'))?.record.identity;
    expect(await cluster.done(daemon.catalog.destroy(unit, never))).toBe('destroyed');
    expect(await cluster.done(daemon.catalog.destroy(unit, never))).toBe('missing');
    expect(await cluster.done(daemon.catalog.setDesired(unit, 'loaded', never))).toBe('missing');
    expect(await read(daemon, 'a.service')).toBeNull();
    await cluster.until('the leader sees the tombstone', () => {
      return session.picture().units.get(unit)?.gone === true;
    });
    expect(session.picture().units.get(unit)?.identity).toBe(identity);
    expect(await submit(daemon, aSubmission('a.service'))).toBe('created');
    expect((await read(daemon, 'a.service'))?.record.identity).not.toBe(identity);
  });

  test('two writers of one unit lose no update', async () => {
    const { cluster } = parts();
    const [one, two] = [await cluster.join('1'), await cluster.join('2')];
    await submit(one, aSubmission('a.service'));
    const other = aSubmission('a.service', '[Service]\nType=idle\n');
    const outcomes = await cluster.done(
      Promise.all([
        one.catalog.setDesired(aName('a.service'), 'inactive', never),
        two.catalog.submit({ ...other, desired: 'inactive' }, never),
        one.catalog.destroy(aName('b.service'), never),
      ]),
    );
    expect(outcomes[1]).toBe('replaced');
    expect(outcomes[2]).toBe('missing');
    const view = await read(one, 'a.service');
    expect([view?.record.desired, view?.text]).toEqual(['inactive', other.text]);
  });

  test('pages of units show one revision, and say so when it is gone', async () => {
    const { subject, cluster } = parts();
    const daemon = await cluster.join('1');
    const { catalog } = daemon;
    for (const unit of ['a', 'b', 'c', 'd']) await submit(daemon, aSubmission(`${unit}.service`));
    await cluster.done(catalog.destroy(aName('a.service'), never));
    const first = await cluster.done(catalog.readUnits({ start: null, limitCount: 2 }, never));
    expect(first.items.map((item) => item.name)).toEqual(['b.service', 'c.service']);
    await cluster.done(catalog.destroy(aName('d.service'), never));
    await submit(daemon, aSubmission('e.service'));
    const second = await cluster.done(
      catalog.readUnits({ start: first.next, limitCount: 2 }, never),
    );
    expect(second.items.map((item) => item.name)).toEqual(['d.service']);
    expect([second.revision, second.next]).toEqual([first.revision, null]);
    const now = await cluster.done(catalog.readUnits({ start: null, limitCount: 9 }, never));
    await subject.compact(now.revision);
    const old = cluster.done(catalog.readUnits({ start: first.next, limitCount: 2 }, never));
    await expect(old).rejects.toMatchObject({
      trouble: { code: 'registry/refused', hint: expect.stringContaining('start again') },
    });
  });

  test('reports and machines are read by page, machine and unit', async () => {
    const { cluster } = parts();
    const daemons = [await cluster.join('1'), await cluster.join('2')];
    for (const daemon of daemons) {
      const reports = ['a', 'b'].map(
        (unit) => [aName(`${unit}.service`), aReport('active')] as const,
      );
      await cluster.done(daemon.ledger.report(new Map(reports), never));
    }
    const { catalog } = daemons[0] ?? (await cluster.join('1'));
    const rows = async (start: Parameters<typeof catalog.readReports>[0]['start']) =>
      cluster.done(
        catalog.readReports({ start, limitCount: 3 }, { machine: null, unit: null }, never),
      );
    const first = await rows(null);
    const second = await rows(first.next);
    expect([...first.items, ...second.items].map((row) => `${row.machine}/${row.unit}`)).toEqual([
      '1/a.service',
      '1/b.service',
      '2/a.service',
      '2/b.service',
    ]);
    const ofUnit = await cluster.done(
      catalog.readReports(
        { start: null, limitCount: 1 },
        { machine: null, unit: aName('b.service') },
        never,
      ),
    );
    expect(ofUnit.items.map((row) => row.machine)).toEqual(['1']);
    const rest = await cluster.done(
      catalog.readReports(
        { start: ofUnit.next, limitCount: 1 },
        { machine: null, unit: aName('b.service') },
        never,
      ),
    );
    expect(rest.items.map((row) => row.machine)).toEqual(['2']);
    const machines = await cluster.done(
      catalog.readMachines({ start: null, limitCount: 9 }, never),
    );
    expect(machines.items.map((machine) => machine.address)).toEqual(['10.0.0.1', '10.0.0.2']);
  });

  test('a view of a unit has its placement and the reports of its identity', async () => {
    const { cluster } = parts();
    const daemon = await cluster.join('1');
    const session = await daemon.lead();
    await submit(daemon, aSubmission('a.service'));
    const identity = (await read(daemon, 'a.service'))?.record.identity ?? '';
    const placement = {
      machine: '1' as MachineId,
      identity: identity as UnitIdentity,
      sinceMs: 1,
      reason: 'test',
      objections: [],
      refusals: [],
    };
    const unit = aName('a.service');
    const changes = [{ kind: 'place', unit, placement }] as const;
    await cluster.done(session.commit([{ subject: unit, reason: 'test', changes }], never));
    const stale = new Map([[unit, aReport('active', 'an-older-one')]]);
    await cluster.done(daemon.ledger.report(stale, never));
    expect((await read(daemon, 'a.service'))?.reports).toEqual([]);
    await cluster.done(daemon.ledger.report(new Map([[unit, aReport('active', identity)]]), never));
    const view = await read(daemon, 'a.service');
    expect(view?.placement).toEqual(placement);
    expect(view?.reports.map((row) => row.report.active)).toEqual(['active']);
  });
}

function agentTests(parts: Parts): void {
  test('an agent sees its own orders, and nothing of others wakes it', async () => {
    const { cluster } = parts();
    const [one, two] = [await cluster.join('1'), await cluster.join('2')];
    const session = await one.lead();
    await cluster.until('the book was read', () => two.ledger.orderBook() !== null);
    const empty = two.ledger.orderBook();
    await cluster.done(session.commit([ordering('1', 'a.service')], never));
    await cluster.until('one has it', () => one.ledger.orderBook()?.orders.size === 1);
    expect(two.ledger.orderBook()).toBe(empty);
    await cluster.done(session.commit([ordering('2', 'b.service', 'stop')], never));
    await cluster.until('two has it', () => two.ledger.orderBook()?.orders.size === 1);
    expect(two.ledger.orderBook()?.orders.get(aName('b.service'))).toEqual(anOrder('stop'));
    expect(empty?.orders.size).toBe(0);
  });

  test('an order that is not understood is unreadable, never absent', async () => {
    const { cluster } = parts();
    const daemon = await cluster.join('1');
    const unit = aName('a.service');
    const key = daemon.keys.order('1' as MachineId, unit);
    const put = (value: string) => ({ kind: 'put', key, value, leaseId: null }) as const;
    const newer = '{"format":99,"want":"dance"}';
    await cluster.done(daemon.store.txn({ onlyIf: [], writes: [put(newer)] }, never));
    await cluster.until(
      'it is seen',
      () => daemon.ledger.orderBook()?.unreadable.has(unit) === true,
    );
    const session = await daemon.lead();
    expect([...session.picture().unreadable]).toEqual([unit]);
    await cluster.done(session.commit([ordering('1', unit)], never));
    await cluster.until('it is read', () => daemon.ledger.orderBook()?.orders.has(unit) === true);
    expect(daemon.ledger.orderBook()?.unreadable.size).toBe(0);
    expect(session.picture().unreadable.size).toBe(0);
  });

  test('a text is read by its hash and checked against it', async () => {
    const { cluster } = parts();
    const { ledger, catalog, keys, store } = await cluster.join('1');
    const submission = aSubmission('a.service');
    await cluster.done(catalog.submit(submission, never));
    expect(await cluster.done(ledger.readText(submission.contentHash, never))).toBe(
      submission.text,
    );
    expect(await cluster.done(ledger.readText(contentHash('other'), never))).toBeNull();
    const key = keys.text(submission.contentHash);
    const writes = [{ kind: 'put', key, value: 'forged', leaseId: null }] as const;
    await cluster.done(store.txn({ onlyIf: [], writes }, never));
    await expect(
      cluster.done(ledger.readText(submission.contentHash, never)),
    ).rejects.toMatchObject({ trouble: { code: 'registry/undecodable' } });
  });

  test('texts that are asked for side by side are read in few requests', async () => {
    const { cluster } = parts();
    const { ledger, catalog, store } = await cluster.join('1');
    const textOf = (number: number): string => `[Service]\nExecStart=/bin/sleep ${number}\n`;
    const all = Array.from({ length: 100 }, (_, number) =>
      aSubmission(`t${number}.service`, textOf(number)),
    );
    for (const submission of all) await cluster.done(catalog.submit(submission, never));
    const sentCount = (): number => {
      const [one, many] = [store.counts().get('range'), store.counts().get('ranges')];
      return (one?.sentCount ?? 0) + (many?.sentCount ?? 0);
    };
    const before = sentCount();
    const hashes = [...all.map((one) => one.contentHash), contentHash('other')];
    const read = Promise.all(hashes.map((hash) => ledger.readText(hash, never)));
    const texts = await cluster.done(read);
    expect(texts).toEqual([...all.map(({ text }) => text), null]);
    expect(sentCount() - before).toBeLessThan(5);
  });

  test('300 reports are written, changed and deleted in batches', async () => {
    const { cluster } = parts();
    const { ledger } = await cluster.join('1');
    const names = Array.from({ length: 300 }, (_, index) => aName(`u${index}.service`));
    const all = (active: string) => new Map(names.map((name) => [name, aReport(active)]));
    await cluster.done(ledger.report(all('activating'), never));
    await cluster.done(ledger.report(all('active'), never));
    const stored = await cluster.done(ledger.readReports(never));
    expect(stored.size).toBe(300);
    expect(new Set([...stored.values()].map((report) => report.active))).toEqual(
      new Set(['active']),
    );
    await cluster.done(ledger.report(new Map(names.map((name) => [name, null])), never));
    expect((await cluster.done(ledger.readReports(never))).size).toBe(0);
  });

  test('a lost report can never land on top of a later one', async () => {
    const { cluster } = parts();
    const { ledger, faults } = await cluster.join('1');
    const unit = aName('a.service');
    await cluster.done(ledger.report(new Map([[aName('b.service'), aReport('active')]]), never));
    faults.holdNextTxn();
    const lost = cluster.done(ledger.report(new Map([[unit, aReport('active')]]), never));
    await expect(lost).rejects.toMatchObject({ trouble: { code: 'registry/unknown-outcome' } });
    await cluster.done(ledger.report(new Map([[unit, null]]), never));
    faults.releaseHeld();
    await cluster.done(ledger.report(new Map([[aName('b.service'), aReport('active')]]), never));
    const stored = await cluster.done(ledger.readReports(never));
    expect([...stored.keys()]).toEqual(['b.service']);
  });

  test('a report that was begun without a lease hangs on the one that there is by then', async () => {
    const { cluster } = parts();
    const { ledger, faults, lease, registration, keys } = await cluster.join('1');
    await cluster.done(faults.revokeLease(lease.id ?? ('0' as LeaseId), never));
    await cluster.until('the loss is known', () => !registration.isRegistered);
    const [range, ranges] = [faults.range.bind(faults), faults.ranges.bind(faults)];
    let joining: Promise<unknown> | null = null;
    const joined = (): Promise<unknown> => {
      joining ??= registration.join(never);
      return joining;
    };
    vi.spyOn(faults, 'range').mockImplementation(async (...asked) => {
      if (joining === null) await joined();
      return range(...asked);
    });
    vi.spyOn(faults, 'ranges').mockImplementation(async (...asked) => {
      if (joining === null) await joined();
      return ranges(...asked);
    });
    const unit = aName('a.service');
    await cluster.done(ledger.report(new Map([[unit, aReport('active')]]), never));
    const asked = { keys: [keys.report('1' as MachineId, unit)], revision: null };
    const { items } = await cluster.done(readKeys(faults, asked, never));
    expect(items.map((item) => item?.leaseId)).toEqual([lease.id]);
  });
}

function registrationTests(parts: Parts): void {
  test('a daemon that restarts in one boot takes its lease up, and its reports stay', async () => {
    const { cluster } = parts();
    const before = await cluster.join('1');
    await cluster.done(
      before.ledger.report(new Map([[aName('a.service'), aReport('active')]]), never),
    );
    await before.crash();
    const after = await cluster.join('1');
    expect(after.lease.id).not.toBeNull();
    expect((await cluster.done(after.ledger.readReports(never))).size).toBe(1);
  });

  test('after a reboot a machine joins once nobody has renewed its old lease', async () => {
    const { cluster } = parts();
    const before = await cluster.join('1', 'boot-1');
    const oldLease = before.lease.id;
    await cluster.done(
      before.ledger.report(new Map([[aName('a.service'), aReport('active')]]), never),
    );
    await before.crash();
    const after = await cluster.join('1', 'boot-2');
    expect(after.lease.id).not.toBe(oldLease);
    expect((await cluster.done(after.ledger.readReports(never))).size).toBe(0);
  });

  test('a clone is refused with both addresses, and the first machine stays', async () => {
    const { cluster } = parts();
    const first = await cluster.join('1', 'boot-1');
    const clone = cluster.boot('1', 'boot-of-clone', '10.9.9.9');
    const memory = { clusterId: null, epoch: null, revision: null };
    await cluster.done(clone.cluster.settle(memory, 'unused', never));
    expect(await cluster.done(clone.registration.join(never))).toEqual({
      kind: 'refused',
      ourAddress: '10.9.9.9',
      otherAddress: '10.0.0.1',
    });
    await cluster.done(
      first.ledger.report(new Map([[aName('a.service'), aReport('active')]]), never),
    );
  });

  test('a machine whose lease expired while it was cut off joins again', async () => {
    const { subject, cluster } = parts();
    const daemon = await cluster.join('1');
    const ending = new AbortController();
    const keeping = daemon.registration.keep(ending.signal);
    const oldLease = daemon.lease.id;
    let lostCount = 0;
    daemon.lease.onLost(() => {
      lostCount += 1;
    });
    daemon.faults.cut();
    await subject.pass(ttlMs + 1500);
    expect(daemon.registration.isRegistered).toBe(true); // only etcd may say that it is gone
    expect(lostCount).toBe(0);
    daemon.faults.heal();
    await cluster.until(
      'it joined again',
      () => lostCount === 1 && daemon.registration.isRegistered,
    );
    expect(daemon.lease.id).not.toBe(oldLease);
    await cluster.done(
      daemon.ledger.report(new Map([[aName('a.service'), aReport('active')]]), never),
    );
    ending.abort();
    expect(await cluster.done(keeping)).toEqual({ kind: 'stopped' });
  });

  test('a machine that leaves takes its record and reports along', async () => {
    const { cluster } = parts();
    const [one, two] = [await cluster.join('1'), await cluster.join('2')];
    const session = await two.lead();
    await cluster.done(one.registration.update({ leaving: true }, never));
    await cluster.until('the leader sees that it leaves', () => {
      return session.picture().machines.get('1' as MachineId)?.leaving === true;
    });
    await cluster.done(one.lease.release(never));
    await cluster.until('it is gone', () => !session.picture().machines.has('1' as MachineId));
    expect(session.picture().revision > (0n as Revision)).toBe(true);
  });
}
