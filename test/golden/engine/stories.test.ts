import { expect, test } from 'vitest';
import { machineId, named } from '../../builders/cluster.ts';
import { clusterText, decisionsText } from '../../builders/cluster-text.ts';
import { SimulatedCluster } from '../../builders/simulated-cluster.ts';

const [m1, m2, m3, m4] = [machineId(1), machineId(2), machineId(3), machineId(4)];

/** What happens, step by step: the words of a step, and what the test does to the cluster. */
interface Story {
  readonly title: string;
  readonly file: string;
  readonly steps: readonly (readonly [words: string, (cluster: SimulatedCluster) => void])[];
}

const only = { conflicts: ['web@*.service'] };

const stories: readonly Story[] = [
  {
    title: 'instances of one template are spread over the machines',
    file: 'spread',
    steps: [
      [
        'five instances are started',
        (cluster) => {
          for (const number of [1, 2, 3, 4, 5]) cluster.submit(named(`web@${number}`));
        },
      ],
    ],
  },
  {
    title: 'five units in conflict fill three machines, and a fourth takes one more by itself',
    file: 'conflict',
    steps: [
      [
        'five instances are started',
        (cluster) => {
          for (const number of [1, 2, 3, 4, 5]) cluster.submit(named(`web@${number}`), only);
        },
      ],
      ['a fourth machine joins', (cluster) => cluster.join(m4)],
    ],
  },
  {
    title: 'a sidekick follows its unit when that moves, in one decision',
    file: 'sidekick',
    steps: [
      [
        'a unit and its sidekick are started',
        (cluster) => {
          cluster.submit(named('announce'), { machineOf: [named('web@1')] });
          cluster.submit(named('web@1'));
        },
      ],
      ['its machine vanishes', (cluster) => vanishWith(cluster, 'web@1')],
    ],
  },
  {
    title: 'a sidekick waits for a unit that is not placed',
    file: 'sidekick-waits',
    steps: [
      [
        'only the sidekick is started',
        (cluster) => cluster.submit(named('announce'), { machineOf: [named('web@1')] }),
      ],
    ],
  },
  {
    title: 'a global unit runs everywhere, on machines that join later too',
    file: 'global',
    steps: [
      [
        'a unit is started, then a global one that conflicts with it',
        (cluster) => {
          cluster.submit(named('db'));
          cluster.plan();
          cluster.submit(named('logger'), { global: true, conflicts: ['db.service'] });
        },
      ],
      ['a machine joins', (cluster) => cluster.join(m4)],
    ],
  },
  {
    title: 'a machine vanishes, and its old copy is stopped only when the new one is up',
    file: 'vanish-and-return',
    steps: [
      ['a unit is started', (cluster) => cluster.submit(named('db'))],
      ['its machine is cut off', (cluster) => vanishWith(cluster, 'db', 'partition')],
      ['it comes back', (cluster) => backAll(cluster)],
    ],
  },
  {
    title: 'what fits nowhere else keeps its order on a machine that vanished',
    file: 'vanish-pinned',
    steps: [
      ['a pinned unit is started', (cluster) => cluster.submit(named('db'), pinned())],
      ['its machine vanishes', (cluster) => cluster.vanish(m2, 'power')],
      ['it comes back', (cluster) => cluster.comeBack(m2)],
    ],
  },
  {
    title: 'a destroyed unit leaves nothing, though only when its machine is back',
    file: 'destroy',
    steps: [
      [
        'two units are started',
        (cluster) => {
          cluster.submit(named('db'), pinned());
          cluster.submit(named('web'));
        },
      ],
      ['a machine vanishes', (cluster) => cluster.vanish(m2, 'partition')],
      [
        'both are destroyed',
        (cluster) => {
          for (const unit of cluster.units.keys()) cluster.change(unit, { gone: true });
        },
      ],
      ['the machine comes back', (cluster) => cluster.comeBack(m2)],
    ],
  },
  {
    title: 'a unit that is submitted again never runs beside its old self',
    file: 'resubmit',
    steps: [
      ['a unit is started', (cluster) => cluster.submit(named('db'))],
      ['another text is submitted', (cluster) => cluster.submit(named('db'))],
    ],
  },
  {
    title: 'a unit that replaces another takes its machine, and the other moves first',
    file: 'replace',
    steps: [
      ['a unit is started', (cluster) => cluster.submit(named('old'))],
      ['its successor is started', (cluster) => cluster.submit(named('new'), replacing())],
    ],
  },
  {
    title: 'a unit that a machine refuses is placed elsewhere, and the words are kept',
    file: 'refused',
    steps: [
      [
        'a unit is started on machines that refuse it',
        (cluster) => {
          for (const id of [m1, m2, m3]) cluster.refusing.add(`${id} nginx.service`);
          cluster.refusing.delete(`${m3} nginx.service`);
          cluster.submit(named('nginx'));
        },
      ],
    ],
  },
  {
    title: 'a machine that shuts down gives a unit away once it has stopped',
    file: 'leaving',
    steps: [
      ['a unit is started', (cluster) => cluster.submit(named('db'))],
      ['its machine shuts down', (cluster) => leaveWith(cluster, 'db')],
      ['systemd has stopped it', (cluster) => cluster.finish(named('db'))],
    ],
  },
  {
    title: 'a unit leaves a machine whose metadata no longer fits, the new copy first',
    file: 'metadata',
    steps: [
      [
        'a unit that wants an ssd is started',
        (cluster) => {
          for (const id of [m1, m2]) cluster.setMachine(id, { metadata: ssd() });
          const metadata = [{ key: 'disk', values: ['ssd'] }];
          cluster.submit(named('db'), { metadata });
        },
      ],
      [
        'its machine has none any more',
        (cluster) => cluster.setMachine(homeOf(cluster, 'db'), { metadata: new Map() }),
      ],
      [
        'nor has the other: the unit is left running',
        (cluster) => cluster.setMachine(homeOf(cluster, 'db'), { metadata: new Map() }),
      ],
      [
        'the other has one again',
        (cluster) => {
          const other = homeOf(cluster, 'db') === m1 ? m2 : m1;
          cluster.setMachine(other, { metadata: ssd() });
        },
      ],
    ],
  },
  {
    title: 'a oneshot that has ended well is not run again when its machine vanishes and reboots',
    file: 'oneshot',
    steps: [
      ['a oneshot is started', (cluster) => cluster.submit(named('job'), { oneshot: true })],
      ['it ends well', (cluster) => cluster.finish(named('job'))],
      ['its machine vanishes', (cluster) => vanishWith(cluster, 'job')],
      ['it returns after a reboot', returnAll],
      [
        'the oneshot is started again',
        (cluster) => cluster.change(named('job'), { restartCount: 1 }),
      ],
    ],
  },
];

function returnAll(cluster: SimulatedCluster): void {
  for (const id of [...cluster.away.keys()]) cluster.comeBack(id);
}

test.each(stories)('$title', async ({ title, file, steps }) => {
  const cluster = new SimulatedCluster();
  for (const id of [m1, m2, m3]) cluster.join(id);
  cluster.settle();
  const told = steps.flatMap(([words, happen]) => {
    happen(cluster);
    return [`## ${words}`, ...roundsOf(cluster), clusterText(cluster.picture()), ''];
  });
  const text = [`# ${title}`, '', ...told].join('\n');
  await expect(text).toMatchFileSnapshot(`${file}.txt`);
});

/** Plans and obeys until nothing is left to do; each round's decisions as text. */
function roundsOf(cluster: SimulatedCluster): string[] {
  const told: string[] = [];
  for (let round = 1; round <= 10; round++) {
    const { decisions } = cluster.plan();
    if (decisions.length > 0) told.push(`-- plan ${round}`, decisionsText(decisions));
    const moved = [...cluster.machines.keys()].map((id) => cluster.obey(id));
    if (decisions.length === 0 && !moved.includes(true)) return [...told, '-- settled'];
  }
  return [...told, '-- NEVER SETTLED'];
}

function homeOf(cluster: SimulatedCluster, unit: string): typeof m1 {
  return cluster.placement(named(unit))?.machine ?? m1;
}

function vanishWith(
  cluster: SimulatedCluster,
  unit: string,
  how: 'power' | 'partition' = 'power',
): void {
  cluster.vanish(homeOf(cluster, unit), how);
}

function leaveWith(cluster: SimulatedCluster, unit: string): void {
  cluster.setMachine(homeOf(cluster, unit), { leaving: true });
}

function backAll(cluster: SimulatedCluster): void {
  for (const id of [...cluster.away.keys()]) cluster.comeBack(id);
}

function pinned(): { machineId: string } {
  return { machineId: '22222222' };
}

function replacing(): { replaces: string[] } {
  return { replaces: ['old.service'] };
}

function ssd(): Map<string, string> {
  return new Map([['disk', 'ssd']]);
}
