import { expect, test } from 'vitest';
import type { MachineId, UnitIdentity } from '../../src/model/ids.ts';
import type { StateReport } from '../../src/model/report.ts';
import { contentHash } from '../../src/unitfile/unit-hash.ts';
import {
  aName,
  aReport,
  aSubmission,
  never,
  ordering,
  type TestCluster,
} from './ledger-subject.ts';

const unit = aName('a.service');
const orphan: StateReport = {
  ...aReport('active'),
  orphan: { contentHash: contentHash('its text'), avoids: ['b.*'] },
};

/** What must hold of orphans on every store. */
export function orphanTests(parts: () => { readonly cluster: TestCluster }): void {
  test('the wish to remove an orphan names one copy, reaches the leader and is taken back', async () => {
    const { cluster } = parts();
    const [one, two] = [await cluster.join('1'), await cluster.join('2')];
    const session = await two.lead();
    const what = { unit, machine: null };
    const ask = (machine: string | null) =>
      cluster.done(one.catalog.removeOrphan({ unit, machine: machine as MachineId | null }, never));
    expect(await cluster.done(one.catalog.removeOrphan(what, never))).toEqual({ kind: 'missing' });
    for (const { ledger } of [one, two]) {
      await cluster.done(ledger.report(new Map([[unit, orphan]]), never));
    }
    const rows = await cluster.done(two.catalog.readOrphans(never));
    expect(rows.map(({ machine, report }) => [machine, report.orphan])).toEqual([
      ['1', orphan.orphan],
      ['2', orphan.orphan],
    ]);
    expect(await ask(null)).toEqual({ kind: 'ambiguous', machines: ['1', '2'] });
    expect(await ask('2')).toEqual({ kind: 'asked', machine: '2' });
    const removal = () =>
      session
        .picture()
        .removals.get('2' as MachineId)
        ?.get(unit);
    await cluster.until('the leader sees it', () => removal() !== undefined);
    expect(removal()).toEqual({ identity: orphan.identity, bootId: 'boot-1' });
    const forget = { kind: 'forget-removal', machine: '2' as MachineId, unit } as const;
    const decision = { subject: unit, reason: 'test', changes: [forget] };
    expect(await cluster.done(session.commit([decision], never))).toBe('committed');
    expect(removal()).toBeUndefined();
  });

  test('a unit whose record alone was lost is the same unit when it is submitted again', async () => {
    const { cluster } = parts();
    const daemon = await cluster.join('1');
    const session = await daemon.lead();
    const identity = 'identity-x' as UnitIdentity;
    const placement = {
      ...{ machine: '1' as MachineId, identity, sinceMs: 1, reason: 'test' },
      ...{ objections: [], refusals: [] },
    };
    const place = { kind: 'place', unit, placement } as const;
    const placing = { subject: unit, reason: 'test', changes: [place] };
    await cluster.done(session.commit([placing, ordering('1', 'a.service')], never));
    expect(await cluster.done(daemon.catalog.submit(aSubmission('a.service'), never))).toBe(
      'created',
    );
    const same = await cluster.done(daemon.catalog.readUnit(unit, never));
    expect(same?.record.identity).toBe(identity);
    await cluster.done(daemon.catalog.submit(aSubmission('a.service', '[Service]\nX=1\n'), never));
    const other = await cluster.done(daemon.catalog.readUnit(unit, never));
    expect(other?.record.identity).not.toBe(identity);
  });
}
