import { contentHash } from '../../src/unitfile/unit-hash.ts';
import type { UnitName } from '../../src/unitfile/unit-name.ts';
import type { RememberedUnit, RememberedUnits } from '../builders/remembered-units.ts';
import { contentOf, everywhere, follower, leader, loners, slow } from './sequence-steps.ts';
import type { ClusterView, MachineView, Start, ToldUnit } from './sequence-view.ts';

/** What a sequence asked of one unit in all. */
export interface Asked {
  /** The contents it was given, oldest first, each time that they changed. */
  readonly contents: string[];
  /** How often something asked for a start. */
  startCount: number;
}

/** What is not as it was asked for; nothing once the cluster has settled. */
export function whyNotAsRemembered(units: RememberedUnits, view: ClusterView): string[] {
  const seats = new Map([...units].map(([name]) => [name, seatsOf(units, view, name)]));
  const isSeat = (name: UnitName, { id }: MachineView): boolean =>
    seats.get(name)?.includes(id) === true;
  return [
    ...apiProblems(units, view),
    ...[...units].flatMap(([name, unit]) => placeProblems(units, seats, name, unit)),
    ...view.machines.flatMap((machine) => {
      const here = new Map([...units].filter(([name]) => isSeat(name, machine)));
      return machineProblems(machine, here).map((problem) => `${machine.name}: ${problem}`);
    }),
    ...keyProblems(units, seats, view.keys),
  ];
}

/** Old texts that were started again, and starts that nobody asked for. */
export function historyProblems(asked: ReadonlyMap<UnitName, Asked>, view: ClusterView): string[] {
  return [...asked].flatMap(([unit, { contents, startCount }]) => {
    const isHere = (start: Start): boolean => start.unit === unit;
    const each = view.machines.map(({ starts }) => starts.filter(isHere));
    const all = each.flat().sort((one, other) => one.atSeconds - other.atSeconds);
    // A follower also starts anew when it moves after its leader.
    const startsMax = startCount * (unit === everywhere ? view.machines.length : 1);
    const isTooOften = unit !== follower && all.length > startsMax;
    return [
      ...(isTooOften ? [`${unit} started ${all.length} times, asked for ${startsMax}`] : []),
      ...(unit === everywhere ? each : [all])
        .map((starts) => starts.map(({ content }) => content))
        .filter((started) => !isInOrder(started, contents))
        .map((started) => `${unit} ran ${started.join()} while it became ${contents.join()}`),
    ];
  });
}

/** Contents may be skipped or started more than once, but never after their time. */
function isInOrder(started: readonly string[], contents: readonly string[]): boolean {
  let position = 0;
  return started.every((content) => {
    while (position < contents.length && contents[position] !== content) position += 1;
    return position < contents.length;
  });
}

function seatsOf(units: RememberedUnits, view: ClusterView, name: UnitName): readonly string[] {
  if (units.get(name)?.desired === 'inactive') return [];
  if (name === everywhere) return view.machines.map(({ id }) => id);
  const machine = view.units.find((unit) => unit.name === name)?.machineID;
  return machine === undefined ? [] : [machine];
}

function apiProblems(units: RememberedUnits, view: ClusterView): string[] {
  const said = view.units.map(
    ({ name, desiredState, currentState, restartCount, text }: ToldUnit) =>
      `${name} ${desiredState} ${currentState} ${restartCount} ${text}`,
  );
  const meant = [...units].map(([name, { desired, restartCount, content }]) => {
    const isLost = name === follower && view.units.every((its) => !isPlaced(its, name));
    const current = isLost ? 'inactive' : desired;
    return `${name} ${desired} ${current} ${restartCount} ${content}`;
  });
  return difference('the API', said, meant);
}

function isPlaced(unit: ToldUnit, name: UnitName): boolean {
  return unit.name === name && unit.machineID !== undefined;
}

type Seats = ReadonlyMap<UnitName, readonly string[]>;

function placeProblems(
  units: RememberedUnits,
  seats: Seats,
  name: UnitName,
  { desired }: RememberedUnit,
): string[] {
  if (desired === 'inactive') return [];
  const own = seats.get(name) ?? [];
  if (name === follower) {
    const ledTo =
      (units.get(leader)?.desired ?? 'inactive') === 'inactive' ? [] : seats.get(leader);
    return own.join() === ledTo?.join() || ledTo?.length === 0
      ? []
      : [`${name} is on ${own.join()}, ${leader} on ${ledTo?.join()}`];
  }
  if (own.length === 0) return [`${name} is on no machine`];
  const isCrowded = loners.some(
    (other) => other !== name && loners.includes(name) && seats.get(other)?.join() === own.join(),
  );
  return isCrowded ? [`${name} is with one that it conflicts with`] : [];
}

/** Its units, once each, with their texts; and nothing else. */
function machineProblems(machine: MachineView, here: RememberedUnits): string[] {
  const launched = [...here].filter(([, { desired }]) => desired === 'launched');
  const running = launched.map(([name, { content }]) => `${name} ${contentOf(content)}`);
  const active = launched.map(([name]) => `${name} loaded active running`);
  // systemd forgets what is not referred to, and remembers it when asked.
  const idle = [...here].map(([name]) => `${name} loaded inactive dead`);
  // systemd itself calls a unit failed that is stopped while its ExecStartPre= runs.
  if (here.has(slow)) idle.push(`${slow} loaded failed failed`);
  const isLaunched = (row: string): boolean =>
    launched.some(([name]) => row.startsWith(`${name} `));
  const rows = machine.loaded.filter((row) => isLaunched(row) || !idle.includes(row));
  const texts = [...machine.texts].map(([name, hash]) => `${name} ${hash}`);
  const wanted = [...here].map(([name, { content }]) => `${name} ${contentHash(content)}`);
  const linked = [...here].map(([name]) => `/run/systemd/system/${name}`);
  const stem = (path: string): string =>
    (path.split('/').at(-1) ?? '').replace(/(\.json|\.d)$/, '');
  return [
    ...difference('processes', machine.processes, running),
    ...difference('systemd', rows, active),
    ...difference('unit files', texts, wanted),
    ...machine.jobs.map((job) => `a job is left: ${job}`),
    ...linked.filter((path) => !machine.files.includes(path)).map((path) => `no ${path}`),
    ...machine.files
      .filter((path) => !here.has(stem(path) as UnitName))
      .map((path) => `${path} is left`),
  ];
}

function keyProblems(units: RememberedUnits, seats: Seats, keys: readonly string[]): string[] {
  const perSeat = [...seats].flatMap(([name, machines]) =>
    machines.flatMap((machine) => [`work/${machine}/${name}`, `state/${machine}/${name}`]),
  );
  const texts = new Set([...units.values()].map(({ content }) => `text/${contentHash(content)}`));
  const stored = [...units.keys()].map((name) => `units/${name}`);
  // The leader may keep what it thought of a unit for as long as the unit is stored.
  const isThought = (key: string): boolean =>
    key.startsWith('placement/') && units.has(key.slice('placement/'.length) as UnitName);
  const exact = keys.filter((key) => !isThought(key));
  return difference('etcd', exact, [...stored, ...texts, ...perSeat]);
}

/** What is there and should not be, and the other way round; one more of the same counts. */
function difference(where: string, is: readonly string[], wanted: readonly string[]): string[] {
  const extra = without(is, wanted).map((one) => `${where}: too much: ${one}`);
  return [...extra, ...without(wanted, is).map((one) => `${where}: missing: ${one}`)];
}

function without(all: readonly string[], some: readonly string[]): readonly string[] {
  const left = [...all];
  for (const one of some) {
    const index = left.indexOf(one);
    if (index >= 0) left.splice(index, 1);
  }
  return left;
}
