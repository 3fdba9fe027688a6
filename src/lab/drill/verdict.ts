/** One unit on one machine, as that machine's systemd says. */
export interface Running {
  readonly unit: string;
  readonly machine: string;
  /** systemd's InvocationID: another one means that the unit was restarted. */
  readonly invocationId: string;
}

/** What must be true at one moment of the drill. */
export interface Expectation {
  /** Units that run on exactly one machine. */
  readonly single: readonly string[];
  /** Units that run on every machine that is up. */
  readonly global: readonly string[];
  /** Units that fit nowhere now: they run nowhere, and the cluster says why. */
  readonly waiting: readonly string[];
  /** No two of a group share a machine. */
  readonly apart: readonly (readonly string[])[];
  /** Each pair shares a machine. */
  readonly together: readonly (readonly [string, string])[];
}

/** What is wrong with what runs; empty when all is well. `machines`: those that are up. */
export function faultsIn(
  running: readonly Running[],
  machines: readonly string[],
  expected: Expectation,
): string[] {
  const placesOf = (unit: string): string[] =>
    running.filter((one) => one.unit === unit).map(({ machine }) => machine);
  return [
    ...expected.single.flatMap((unit) => countFault(unit, placesOf(unit), 1)),
    ...expected.waiting.flatMap((unit) => countFault(unit, placesOf(unit), 0)),
    ...expected.global.flatMap((unit) => absenceFaults(unit, placesOf(unit), machines)),
    ...expected.apart.flatMap((group) => crowdFaults(group, placesOf)),
    ...expected.together.flatMap(([left, right]) => distanceFaults(left, right, placesOf)),
  ];
}

/** Units that ran before and after on one machine, but not without a restart in between. */
export function restartedBetween(before: readonly Running[], after: readonly Running[]): string[] {
  return before.flatMap((old) => {
    const now = after.find((one) => one.unit === old.unit && one.machine === old.machine);
    if (now?.invocationId === old.invocationId) return [];
    return [`${old.unit} on ${old.machine} ${now === undefined ? 'stopped' : 'was restarted'}`];
  });
}

function countFault(unit: string, places: readonly string[], wanted: number): string[] {
  if (places.length === wanted) return [];
  return [`${unit} runs ${places.length} times (${places.join(', ') || 'nowhere'})`];
}

function absenceFaults(
  unit: string,
  places: readonly string[],
  machines: readonly string[],
): string[] {
  return machines
    .filter((machine) => !places.includes(machine))
    .map((machine) => `global ${unit} does not run on ${machine}`);
}

function crowdFaults(group: readonly string[], placesOf: (unit: string) => string[]): string[] {
  const seen = new Map<string, string>();
  return group.flatMap((unit) =>
    placesOf(unit).flatMap((machine) => {
      const other = seen.get(machine);
      seen.set(machine, unit);
      return other === undefined ? [] : [`${other} and ${unit} conflict and share ${machine}`];
    }),
  );
}

function distanceFaults(
  left: string,
  right: string,
  placesOf: (unit: string) => string[],
): string[] {
  const [here, there] = [placesOf(left).join(), placesOf(right).join()];
  return here === there ? [] : [`${left} is on ${here || 'none'}, ${right} on ${there || 'none'}`];
}
