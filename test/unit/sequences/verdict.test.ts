// What the test of random sequences on real machines would see of a cluster that went wrong.
// Knows its verdict, a pure function, and no machine.
// Start at the table of damages.
import { describe, expect, it } from 'vitest';
import { contentHash } from '../../../src/unitfile/unit-hash.ts';
import { named } from '../../builders/cluster.ts';
import type { RememberedUnits } from '../../builders/remembered-units.ts';
import { historyProblems, whyNotAsRemembered } from '../../cluster/sequence-verdict.ts';
import type { ClusterView, MachineView, ToldUnit } from '../../cluster/sequence-view.ts';

const web = named('seq-web@2');
const content = 'ExecStart="sequence %n 3"\n';
const hash = contentHash(content);
const units: RememberedUnits = new Map([[web, { content, desired: 'launched', restartCount: 1 }]]);

const there: MachineView = {
  ...{ id: 'one', name: 'm1', jobs: [] },
  processes: [`${web} 3`],
  loaded: [`${web} loaded active running`],
  files: [`/run/fleet/units/${web}`, `/run/systemd/system/${web}`, `/run/systemd/system/${web}.d`],
  texts: new Map([[web, hash]]),
  starts: [{ atSeconds: 5, unit: web, content: '3' }],
};
const elsewhere: MachineView = {
  ...{ id: 'two', name: 'm2', jobs: [], processes: [], loaded: [], files: [], starts: [] },
  texts: new Map(),
};
const states = { desiredState: 'launched', currentState: 'launched', machineID: 'one' } as const;
const told: ToldUnit = { name: web, ...states, restartCount: 1, text: content };
const { machineID: _machine, ...nowhere } = told;
const keys = [`units/${web}`, `placement/${web}`, `text/${hash}`, `work/one/${web}`];
const good: ClusterView = {
  machines: [there, elsewhere],
  units: [told],
  keys: [...keys, `state/one/${web}`],
};

/** The good cluster with something else on one of its machines. */
function withOn(machine: MachineView, other: Partial<MachineView>): ClusterView {
  const machines = good.machines.map((one) => (one === machine ? { ...one, ...other } : one));
  return { ...good, machines };
}

describe('the verdict on a cluster after a sequence', () => {
  it('finds nothing wrong with a unit that is as it should be', () => {
    expect(whyNotAsRemembered(units, good)).toEqual([]);
  });

  it.each<[string, ClusterView]>([
    ['a second copy on its machine', withOn(there, { processes: [`${web} 3`, `${web} 3`] })],
    ['a second copy elsewhere', withOn(elsewhere, { processes: [`${web} 3`] })],
    ['no copy', withOn(there, { processes: [] })],
    ['an old text in its process', withOn(there, { processes: [`${web} 2`] })],
    ['an old text on disk', withOn(there, { texts: new Map([[web, contentHash('old')]]) })],
    ['a failed unit', withOn(there, { loaded: [`${web} loaded failed failed`] })],
    ['a unit without a file', withOn(elsewhere, { loaded: [`${web} not-found active running`] })],
    ['a job that does not end', withOn(there, { jobs: [`7 ${web} stop running`] })],
    ['a link that is missing', withOn(there, { files: [`/run/fleet/units/${web}`] })],
    ['an orphan file', withOn(elsewhere, { files: [`/run/systemd/system/${web}.d`] })],
    ['a file that was written half', withOn(there, { files: [...there.files, `/x/.${web}.tmp`] })],
    ['a text nobody needs', { ...good, keys: [...good.keys, `text/${contentHash('old')}`] }],
    ['an order that is left', { ...good, keys: [...good.keys, `work/two/${web}`] }],
    ['a placement that is left', { ...good, keys: [...good.keys, 'placement/seq-slow.service'] }],
    ['no report', { ...good, keys }],
    ['a restart that is due', { ...good, units: [{ ...told, currentState: 'loaded' }] }],
    ['no machine', { ...good, units: [nowhere] }],
  ])('notices %s', (_title, view) => {
    expect(whyNotAsRemembered(units, view)).not.toEqual([]);
  });

  it.each([
    ['3', 1, []],
    ['33', 2, []],
    ['33', 1, [`${web} started 2 times, asked for 1`]],
    ['2', 9, []],
    ['23', 9, []],
    ['32', 9, [`${web} ran 3,2 while it became 1,2,3`]],
    ['131', 9, [`${web} ran 1,3,1 while it became 1,2,3`]],
  ])('judges starts with the contents %s after 1, 2, 3, asked for %i', (ran, startCount, found) => {
    const starts = [...ran].map((one, index) => ({ atSeconds: index, unit: web, content: one }));
    const asked = new Map([[web, { contents: ['1', '2', '3'], startCount }]]);
    expect(historyProblems(asked, withOn(there, { starts }))).toEqual(found);
  });
});
