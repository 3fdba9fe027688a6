import { expect, vi } from 'vitest';
import type { Running } from '../../src/lab/drill/verdict.ts';
import { patience, placed, sleeper, type TestFleet } from './with-fleet.ts';

const asleep = 'ExecStart=/usr/bin/sleep infinity';
const range = (count: number): readonly number[] =>
  Array.from({ length: count }, (_none, index) => index + 1);

/** A unit file: each section with its lines. */
function text(sections: Readonly<Record<string, readonly string[]>>): string {
  const parts = Object.entries(sections).map(([title, lines]) => [`[${title}]`, ...lines, '']);
  return parts.flat().join('\n');
}

/** A template, and the names of some of its instances. */
interface Family {
  readonly template: string;
  readonly text: string;
  readonly count: number;
}

/** Of each kind of unit a few; any machine will do for them. */
const families: readonly Family[] = [
  { template: 'app@.service', text: sleeper(), count: 10 },
  {
    template: 'once@.service',
    text: text({ Service: ['Type=oneshot', 'RemainAfterExit=yes', 'ExecStart=/bin/true'] }),
    count: 3,
  },
  {
    template: 'forks@.service',
    text: text({
      Service: [
        'Type=forking',
        'PIDFile=/run/forks-%i.pid',
        "ExecStart=/bin/sh -c 'sleep infinity & echo $! >/run/forks-%i.pid'",
      ],
    }),
    count: 3,
  },
  {
    template: 'tells@.service',
    text: text({
      Service: [
        'Type=notify',
        'NotifyAccess=all',
        "ExecStart=/bin/sh -c 'systemd-notify --ready; exec sleep infinity'",
      ],
    }),
    count: 3,
  },
  {
    template: 'lone@.service',
    text: text({ Service: [asleep], 'X-Fleet': ['Conflicts=lone@*.service'] }),
    count: 2,
  },
];

/** They start others, and are active while they wait for their time. */
const triggers: readonly Family[] = [
  { template: 'tick@.timer', text: text({ Timer: ['OnActiveSec=1d'] }), count: 2 },
  { template: 'watch@.path', text: text({ Path: ['PathExists=/run/no-such-%i'] }), count: 2 },
  { template: 'door@.socket', text: text({ Socket: ['ListenStream=/run/%p-%i.s'] }), count: 2 },
];

/** What the timers, paths and sockets would start: loaded beside them, and not started. */
const triggered = ['tick.timer', 'watch.path', 'door.socket'].map((trigger) => {
  const [stem = '', type = ''] = trigger.split('.');
  return {
    template: `${stem}@.service`,
    text: text({ Service: [asleep], 'X-Fleet': [`MachineOf=${stem}@%i.${type}`] }),
    count: 2,
  };
});

function instances({ template, count }: Family): readonly string[] {
  return range(count).map((number) => template.replace('@.', `@${number}.`));
}

/** Units that any machine will do for, and that are active as long as they run. */
export const movable: readonly string[] = [
  ...[...families, ...triggers].flatMap(instances),
  'follows.service',
];

/** Units with `OnPartition=stop`: their hold, once their machine is gone, is `stopHoldMs`. */
const stopping: Family = {
  template: 'sole@.service',
  text: text({
    Service: [asleep, 'TimeoutStopSec=1'],
    'X-Fleet': ['OnPartition=stop', 'Conflicts=sole@*.service'],
  }),
  count: 3,
};

/** For a TTL of 3 s: its deadline, five times their `TimeoutStopSec=`, and a second. */
export const stopHoldMs = 5000 + 5 * 1000 + 1000;

/** Is it a unit that stops when its machine is cut off? Some can move, and one is pinned to each. */
export function stopsAlone(unit: string): boolean {
  return /^(sole@|strict-)/.test(unit);
}

/** The probes: pinned units that are only loaded, for `settledAfter`. */
export const probeOf = (machine: string): string => `probe-${machine}.service`;

/**
 * Starts units of every kind: those of `movable`, a global one, some with `OnPartition=stop`, two
 * pinned to each machine, and loads what timers, paths and sockets would start. Returns when all
 * are active. What runs already, and is the same, is adopted.
 */
export async function startMixedUnits(
  fleet: TestFleet,
  machines: readonly string[],
): Promise<void> {
  const files = (family: Family): readonly string[] => {
    const template = fleet.file(family.template, family.text);
    return instances(family).map((name) => template.replace(family.template, name));
  };
  const pinned = async (
    stem: string,
    lines: readonly string[] = [],
    options: readonly string[] = [],
  ): Promise<readonly string[]> =>
    Promise.all(
      machines.map(async (name) => {
        const { id } = await fleet.lab.machine(name);
        const X = ['[X-Fleet]', `MachineID=${id}`, ...options];
        return fleet.file(`${stem}-${name}.service`, sleeper(...lines, '', ...X));
      }),
    );
  const everywhere = fleet.file('everywhere.service', placed('Global=true'));
  const follows = fleet.file('follows.service', placed('MachineOf=app@1.service'));
  const own = [
    ...(await pinned('pinned')),
    ...(await pinned('strict', ['TimeoutStopSec=1'], ['OnPartition=stop'])),
  ];
  // A trigger cannot start on a machine that does not know what it would start.
  await fleet.did('load', ...[...triggers, ...triggered].flatMap(files));
  await fleet.did('start', '--wait', ...triggers.flatMap(instances));
  await fleet.did('start', '--wait', ...[...families, stopping].flatMap(files), ...own);
  await fleet.did('start', '--wait', everywhere);
  await fleet.did('start', '--wait', follows);
  await fleet.did('load', ...(await pinned('probe')));
  await vi.waitFor(async () => {
    expect(names(await fleet.running())).toEqual(whole(machines));
  }, patience);
}

/** What runs when all is well, one entry a copy; sorted. */
export function whole(machines: readonly string[]): readonly string[] {
  const own = machines.flatMap((name) => [
    `pinned-${name}.service`,
    `strict-${name}.service`,
    'everywhere.service',
  ]);
  return [...movable, ...instances(stopping), ...own].sort();
}

/** The units of those copies, without the probes; sorted. */
export function names(copies: readonly Running[]): readonly string[] {
  return withoutProbes(copies)
    .map(({ unit }) => unit)
    .sort();
}

/** The copies that a fault must leave alone. */
export function withoutProbes(copies: readonly Running[]): readonly Running[] {
  return copies.filter(({ unit }) => !unit.startsWith('probe-'));
}

/**
 * Where two units run that conflict, and which of those with `OnPartition=stop` run twice; must be
 * empty at all times.
 */
export function crowded(copies: readonly Running[]): readonly string[] {
  const seats = copies
    .filter(({ unit }) => /^(lone|sole)@/.test(unit))
    .map(({ unit, machine }) => `${unit.slice(0, 5)} ${machine}`);
  const alone = copies.filter(({ unit }) => stopsAlone(unit)).map(({ unit }) => unit);
  return [...seats, ...alone].filter((one, index, all) => all.indexOf(one) !== index);
}
