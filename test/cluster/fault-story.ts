// What is asked of a cluster of real machines under a fault, and how it is judged.
// Knows the units of mixed-units.ts and what fleetctl, systemctl and etcdctl show; nothing more.
// Start with harmless(), for faults that must move nothing, and vanishing(), for the others.
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import type { Running } from '../../src/lab/drill/verdict.ts';
import { crowded, movable, names, probeOf, whole, withoutProbes } from './mixed-units.ts';
import { invocations, patience, type TestFleet } from './with-fleet.ts';

/** Settled means: within this long of the last of the fault's end and the lease's expiry. */
export const settledMsMax = 5000;

/** One row of a table of faults. */
export interface FaultCase {
  /** What happens, as a title of a test. */
  readonly name: string;
  readonly inflict: () => Promise<unknown>;
  /** How long the fault goes on before it is healed. */
  readonly lastsMs: number;
  /** What the operator can see of it while it lasts. */
  readonly seen?: () => Promise<unknown>;
  readonly heal: () => Promise<unknown>;
  /** What must be true afterwards, besides that nothing was restarted. */
  readonly after?: () => Promise<unknown>;
}

/** How long each case took to settle, in milliseconds: printed by the tests' last line. */
export const settledMs = new Map<string, number>();

/**
 * A fault under which nothing may move, stop or restart: every copy has the InvocationID that it
 * had, while it lasts and after it, and every machine takes orders within `settledMsMax` of its end.
 */
export async function harmless(
  fleet: TestFleet,
  machines: readonly string[],
  fault: FaultCase,
): Promise<void> {
  const before = await look(fleet);
  expect(names(before)).toEqual(whole(machines));
  await fault.inflict();
  await sleep(fault.lastsMs);
  expect(unhurt(await look(fleet)), 'while it lasts').toEqual(unhurt(before));
  await fault.seen?.();
  await fault.heal();
  await settledAfter(fleet, machines, fault.name, performance.now());
  expect(unhurt(await look(fleet)), 'after it').toEqual(unhurt(before));
  await fault.after?.();
  expect(await restartsCaused(fleet, machines)).toEqual(machines.map(() => 0));
}

/** A fault that takes machines out of the cluster for longer than the TTL. */
export interface Vanishing extends Omit<FaultCase, 'lastsMs'> {
  readonly victims: readonly string[];
  /** Do the units on the victims run on meanwhile? */
  readonly isAlive: boolean;
}

/**
 * Units of the victims run elsewhere within `settledMsMax` of the expiry of the victims' leases, as
 * etcd shows it. Nobody else's are touched, nor are the copies on a victim that lives. After the
 * fault each unit runs once again; global and pinned units of a living victim have never stopped.
 */
export async function vanishing(
  fleet: TestFleet,
  machines: readonly string[],
  fault: Vanishing,
): Promise<void> {
  const { victims } = fault;
  const before = await look(fleet);
  expect(names(before)).toEqual(whole(machines));
  const others = machines.filter((name) => !victims.includes(name));
  await fault.inflict();
  await Promise.all(victims.map((name) => leaseGone(fleet, name)));
  const expiredAtMs = performance.now();
  const isElsewhere = async (): Promise<readonly string[]> => {
    const copies = await look(fleet);
    expect(crowded(copies)).toEqual([]);
    const there = copies.filter(({ machine }) => others.includes(machine));
    return names(there);
  };
  await expect.poll(isElsewhere, patience).toEqual(whole(others));
  noteSettled(`${fault.name}: moved`, expiredAtMs);
  const during = await look(fleet);
  expect(invocations(during), 'the others').toMatchObject(invocations(before, victims));
  if (fault.isAlive) expect(invocations(during, others)).toEqual(invocations(before, others));
  await fault.seen?.();

  await fault.heal();
  const healedAtMs = performance.now();
  await expect.poll(async () => names(await look(fleet)), patience).toEqual(whole(machines));
  noteSettled(`${fault.name}: back`, healedAtMs);
  await settledAfter(fleet, machines, fault.name, performance.now());
  const after = await look(fleet);
  expect(invocations(after)).toMatchObject(invocations(before, victims));
  if (fault.isAlive) {
    const own = before.filter(
      ({ unit, machine }) => victims.includes(machine) && !movable.includes(unit),
    );
    expect(invocations(after), 'what cannot move').toMatchObject(invocations(own));
  }
  await fault.after?.();
}

/** All copies that run, without the probes. */
export async function look(fleet: TestFleet): Promise<readonly Running[]> {
  return withoutProbes(await fleet.running());
}

/** The lines that the fleetd of a machine wrote since then, as one text. */
export function loggedSince(fleet: TestFleet, machine: string, sinceMs: number): Promise<string> {
  const since = `@${(sinceMs / 1000).toFixed(3)}`;
  return fleet.script(machine, `journalctl -u fleet -o cat --no-pager --since ${since}`);
}

/** Waits until the fleetd of a machine has written such a line since then. */
export async function saysSince(
  fleet: TestFleet,
  machine: string,
  sinceMs: number,
  words: RegExp | string,
): Promise<void> {
  const said = (): Promise<string> => loggedSince(fleet, machine, sinceMs);
  if (typeof words === 'string') await expect.poll(said, patience).toContain(words);
  else await expect.poll(said, patience).toMatch(words);
}

/** Waits until etcd has forgotten a machine. */
export async function leaseGone(fleet: TestFleet, machine: string): Promise<void> {
  const { id } = await fleet.lab.machine(machine);
  await expect.poll(() => fleet.stored(`machines/${id}`), patience).toBeNull();
}

/** InvocationIDs by machine and unit. */
function unhurt(copies: readonly Running[]): Readonly<Record<string, string>> {
  return invocations(copies);
}

/** Every machine takes orders: a unit starts on each, in time, and is stopped again. */
async function settledAfter(
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
  const ask =
    "curl -sf --unix-socket /run/fleet.sock http://fleet/metrics | sed -n 's/^fleet_agent_restarts_caused_total //p'";
  return Promise.all(machines.map(async (name) => Number(await fleet.script(name, ask))));
}
