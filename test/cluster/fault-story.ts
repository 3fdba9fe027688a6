// What is asked of a cluster of real machines under a fault, and how it is judged.
// Knows the units of mixed-units.ts and what fleetctl, systemctl and etcdctl show; nothing more.
// Start with harmless(), for faults that must move nothing, and vanishing(), for the others.
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import type { Running } from '../../src/lab/drill/verdict.ts';
import { metricOf } from './fault-sights.ts';
import {
  crowded,
  movable,
  names,
  probeOf,
  stopHoldMs,
  stopsAlone,
  whole,
  withoutProbes,
} from './mixed-units.ts';
import { invocations, patience, type TestFleet } from './with-fleet.ts';

/** Settled means: within this long of the last of the fault's end and the lease's expiry. */
export const settledMsMax = 5000;

/**
 * Units that were stopped because their machine was cut off run again within this long of the
 * fault's end: the machine looks at the store, renews its lease, and starts them only then.
 */
const returnedMsMax = 10_000;

/** One row of a table of faults. */
export interface FaultCase {
  /** What happens, as a title of a test. */
  readonly name: string;
  readonly inflict: () => Promise<unknown>;
  /** How long the fault goes on before it is healed. */
  readonly lastsMs: number;
  /** Machines on which it ends the units with `OnPartition=stop`, for the time being; or none. */
  readonly stops?: readonly string[];
  /** Machines on which they may end or not, since it may take longer than their deadline; or none. */
  readonly mayStop?: readonly string[];
  /** What the operator can see of it while it lasts. */
  readonly seen?: () => Promise<unknown>;
  /** A unit that the fault itself has brought, and takes away again. */
  readonly brings?: string;
  readonly heal: () => Promise<unknown>;
  /** What must be true afterwards, besides that nothing was restarted. */
  readonly after?: () => Promise<unknown>;
}

/** How long each case took to settle, in milliseconds: printed by the tests' last line. */
export const settledMs = new Map<string, number>();

/**
 * A fault under which nothing may move, stop or restart: every copy has the InvocationID that it
 * had, while it lasts and after it, and every machine takes orders within `settledMsMax` of its end.
 * Only units with `OnPartition=stop` end, on the machines of `stops`, and may on those of `mayStop`;
 * they run again after it.
 */
export async function harmless(
  fleet: TestFleet,
  machines: readonly string[],
  fault: FaultCase,
): Promise<void> {
  const before = await lookWhole(fleet, machines);
  const { stops = [], mayStop = [], brings } = fault;
  const unhurt = (copies: readonly Running[]): Readonly<Record<string, string>> => {
    const held = copies.filter((copy) => !isAlone(copy, [...stops, ...mayStop]));
    return invocations(held.filter(({ unit }) => unit !== brings));
  };
  const isAlone = ({ unit, machine }: Running, where: readonly string[]): boolean =>
    stopsAlone(unit) && where.includes(machine);
  try {
    await fault.inflict();
    await sleep(fault.lastsMs);
    const ending = async (): Promise<readonly Running[]> =>
      (await look(fleet)).filter((copy) => isAlone(copy, stops));
    await expect.poll(ending, patience).toEqual([]);
    expect(unhurt(await look(fleet)), 'while it lasts').toEqual(unhurt(before));
    await fault.seen?.();
  } catch (failure) {
    await fault.heal().catch(() => undefined); // so that the next case is not spoiled as well
    throw failure;
  }
  await fault.heal();
  const healedAtMs = performance.now();
  await expect.poll(async () => names(await look(fleet)), patience).toEqual(whole(machines));
  const wholeAtMs = performance.now();
  expect(wholeAtMs - healedAtMs, `${fault.name}: all run again`).toBeLessThan(returnedMsMax);
  await settledAfter(fleet, machines, fault.name, stops.length > 0 ? wholeAtMs : healedAtMs);
  expect(unhurt(await look(fleet)), 'after it').toMatchObject(unhurt(before));
  await fault.after?.();
  expect(meetings, 'what must never meet').toEqual([]);
  expect(await restartsCaused(fleet, machines)).toEqual(machines.map(() => 0));
}

/** A fault that takes machines out of the cluster for longer than the TTL. */
export interface Vanishing extends Omit<FaultCase, 'lastsMs' | 'stops' | 'mayStop' | 'brings'> {
  readonly victims: readonly string[];
  /** Those of them on which units run on meanwhile. */
  readonly living: readonly string[];
  /** Does it last until what must not run twice has started elsewhere? */
  readonly isLong?: boolean;
}

/**
 * Units of the victims run elsewhere within `settledMsMax` of the expiry of the victims' leases, as
 * etcd shows it, and those with `OnPartition=stop` of the end of their hold. Nobody else's are
 * touched, nor are the copies on a victim that lives, but for those that stop when cut off. After
 * the fault each unit runs once again; global and pinned units of a living victim have never stopped.
 */
export async function vanishing(
  fleet: TestFleet,
  machines: readonly string[],
  fault: Vanishing,
): Promise<void> {
  const { victims, living } = fault;
  const before = await lookWhole(fleet, machines);
  const untouched = invocations(before, victims);
  try {
    await goneFor(fleet, machines, fault, before);
  } catch (failure) {
    await fault.heal().catch(() => undefined); // so that the next case is not spoiled as well
    throw failure;
  }
  await fault.heal();
  const healedAtMs = performance.now();
  await expect.poll(async () => names(await look(fleet)), patience).toEqual(whole(machines));
  noteSettled(`${fault.name}: back`, healedAtMs);
  await settledAfter(fleet, machines, fault.name, performance.now());
  const after = await look(fleet);
  expect(invocations(after)).toMatchObject(untouched);
  const own = before.filter((copy) => isKeptOn(living, copy) && !movable.includes(copy.unit));
  expect(invocations(after), 'what cannot move').toMatchObject(invocations(own));
  await fault.after?.();
  expect(meetings, 'what must never meet').toEqual([]);
}

/** Is it a copy on one of these machines that goes on whatever its machine reaches? */
function isKeptOn(where: readonly string[], { unit, machine }: Running): boolean {
  return where.includes(machine) && !stopsAlone(unit);
}

/** What becomes of everything while the victims are away. */
async function goneFor(
  fleet: TestFleet,
  machines: readonly string[],
  fault: Vanishing,
  before: readonly Running[],
): Promise<void> {
  const { victims, living, isLong = false } = fault;
  const others = machines.filter((name) => !victims.includes(name));
  await fault.inflict();
  await Promise.all(victims.map((name) => leaseGone(fleet, name)));
  const expiredAtMs = performance.now();
  const runOn = async (where: readonly string[]): Promise<readonly Running[]> =>
    (await look(fleet)).filter(({ machine }) => where.includes(machine));
  const keptOn = async (where: readonly string[]): Promise<readonly Running[]> =>
    (await look(fleet)).filter((copy) => isKeptOn(where, copy));
  const kept = whole(others).filter((unit) => !stopsAlone(unit));
  await expect.poll(async () => names(await keptOn(others)), patience).toEqual(kept);
  noteSettled(`${fault.name}: moved`, expiredAtMs);
  expect(invocations(await runOn(others)), 'the others').toMatchObject(
    invocations(before, victims),
  );
  expect(invocations(await keptOn(living)), 'the victims').toEqual(
    invocations(before.filter((copy) => isKeptOn(living, copy))),
  );
  const ending = async (): Promise<readonly Running[]> =>
    (await runOn(living)).filter(({ unit }) => stopsAlone(unit));
  await expect.poll(ending, patience).toEqual([]);
  await fault.seen?.();
  if (!isLong) return;
  await expect.poll(async () => names(await runOn(others)), patience).toEqual(whole(others));
  noteSettled(`${fault.name}: started after the hold`, expiredAtMs + stopHoldMs);
}

/** All conflicts that any look has seen; a look within a poll could not fail the test. */
const meetings: string[] = [];

/** All copies that run, without the probes; each look also looks for conflicts. */
export async function look(fleet: TestFleet): Promise<readonly Running[]> {
  const copies = withoutProbes(await fleet.running());
  meetings.push(...crowded(copies));
  return copies;
}

/** The same, once all is well. */
async function lookWhole(
  fleet: TestFleet,
  machines: readonly string[],
): Promise<readonly Running[]> {
  await expect.poll(async () => names(await look(fleet)), patience).toEqual(whole(machines));
  return look(fleet);
}

/** Waits until etcd has forgotten a machine. */
export async function leaseGone(fleet: TestFleet, machine: string): Promise<void> {
  const { id } = await fleet.lab.machine(machine);
  await expect.poll(() => fleet.stored(`machines/${id}`), patience).toBeNull();
}

/** Every machine takes orders: a unit starts on each, in time, and is stopped again. */
export async function settledAfter(
  fleet: TestFleet,
  machines: readonly string[],
  name: string,
  sinceMs: number,
): Promise<void> {
  const probes = machines.map(probeOf);
  const ask = async (verb: readonly string[]): Promise<number> =>
    (await fleet.fleetctl([...verb, ...probes])).status;
  // A cluster that finds itself again refuses fleetctl for a moment.
  await expect.poll(() => ask(['start', '--wait']), patience).toBe(0);
  await expect.poll(() => ask(['stop']), patience).toBe(0);
  noteSettled(name, sinceMs);
}

function noteSettled(name: string, sinceMs: number): void {
  const tookMs = Math.round(performance.now() - sinceMs);
  settledMs.set(name, tookMs);
  expect(tookMs, `${name}: settled`).toBeLessThan(settledMsMax);
}

/** What the metric says on each machine: stops that no order asked for. */
async function restartsCaused(
  fleet: TestFleet,
  machines: readonly string[],
): Promise<readonly number[]> {
  const sample = 'fleet_agent_restarts_caused_total';
  return Promise.all(machines.map((name) => metricOf(fleet, name, sample)));
}
