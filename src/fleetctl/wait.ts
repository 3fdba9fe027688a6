import type { UnitBody } from '../api/schema.ts';
import { rest } from '../lib/clock.ts';
import { FleetError } from '../lib/error.ts';
import type { UnitName } from '../unitfile/unit-name.ts';
import type { FleetClient } from './client.ts';
import type { Context } from './command.ts';
import { inParallel } from './in-parallel.ts';
import { limits } from './limits.ts';
import { MachineNames } from './machine-names.ts';
import type { Verdict } from './verdict.ts';

/** What is waited for. */
export interface Await {
  readonly names: readonly UnitName[];
  /** What it is called in messages: `launched`. */
  readonly goal: string;
  readonly limitMs: number;
  /** Looks at the units, in whatever way tells how far they are. */
  look(names: readonly UnitName[]): Promise<ReadonlyMap<UnitName, Verdict>>;
}

/** A unit that is not there yet. */
interface Pending {
  verdict: Verdict | null;
  /** Since when it is said to have failed, on the monotonic clock; null: it is not. */
  failedSinceMs: number | null;
  /** Since when it is seen to be there, of what must last. */
  reachedSinceMs: number | null;
  isReported: boolean;
}

/**
 * Waits until every unit got there or failed, and tells of each in the order of arrival. A failed
 * one is told at once, when that lasted for `graceMs`, and may still get there while others are
 * waited for. Returns the units that did not.
 */
export async function waitForUnits(context: Context, what: Await): Promise<readonly UnitName[]> {
  const { screen, clock } = context;
  const startMs = clock.nowMs();
  const pending = new Map<UnitName, Pending>(what.names.map((name) => [name, newcomer()]));
  const isOpen = (): boolean => [...pending.values()].some(({ isReported }) => !isReported);
  let trouble: FleetError | null = null;
  let pauseMs: number = limits.lookFirstMs;
  while (isOpen()) {
    try {
      const verdicts = await what.look([...pending.keys()]);
      trouble = null;
      takeIn(context, pending, verdicts);
    } catch (error) {
      // A fleetd or store that is away for a moment must not end a wait: time will.
      if (!(error instanceof FleetError) || error.trouble.retry === 'never') throw error;
      trouble = error;
    }
    const passedMs = clock.nowMs() - startMs;
    if (!isOpen() || passedMs >= what.limitMs) break;
    if (passedMs >= limits.progressAfterMs) {
      const doneCount = what.names.length - pending.size;
      screen.progress(`${doneCount} of ${what.names.length} ${what.goal}…`);
    }
    const untilEndMs = what.limitMs - passedMs;
    await rest(Math.min(pauseMs, untilEndMs), clock, new AbortController().signal);
    pauseMs = Math.min(pauseMs * 1.5, limits.lookMaxMs);
  }
  screen.progress(null);
  tellOpen(context, pending, { ...what, trouble });
  return [...pending.keys()];
}

/** Looks through the API: one by one while they are few, a hundred at once when they are many. */
export async function readAwaited(
  client: FleetClient,
  names: readonly UnitName[],
): Promise<ReadonlyMap<UnitName, UnitBody | null>> {
  if (names.length <= limits.singleReadCountMax) {
    const units = await inParallel(names, limits.requestCountMax, (name) => client.getUnit(name));
    return new Map(names.map((name, index) => [name, units[index] ?? null]));
  }
  const units = await client.getUnits(names, 'brief');
  return new Map(names.map((name) => [name, units.get(name) ?? null]));
}

/** The names of machines, read again when one turns up that is not among them. */
export class MachineLookup {
  readonly #client: FleetClient;
  #names = new MachineNames([]);

  constructor(client: FleetClient) {
    this.#client = client;
  }

  async namesFor(ids: Iterable<string>): Promise<MachineNames> {
    if ([...ids].some((id) => !this.#names.has(id))) {
      this.#names = new MachineNames(await this.#client.listMachines());
    }
    return this.#names;
  }
}

function newcomer(): Pending {
  return { verdict: null, failedSinceMs: null, reachedSinceMs: null, isReported: false };
}

function takeIn(
  { screen, clock }: Context,
  pending: Map<UnitName, Pending>,
  verdicts: ReadonlyMap<UnitName, Verdict>,
): void {
  const nowMs = clock.nowMs();
  for (const [name, unit] of pending) {
    const verdict = verdicts.get(name) ?? null;
    unit.verdict = verdict;
    if (verdict?.kind !== 'reached') unit.reachedSinceMs = null;
    if (verdict?.kind === 'reached') {
      unit.failedSinceMs = null;
      unit.reachedSinceMs ??= nowMs;
      if (verdict.mustLast && nowMs - unit.reachedSinceMs < limits.steadyMs) continue;
      pending.delete(name);
      screen.line(verdict.text);
    } else if (verdict?.kind !== 'failed') {
      unit.failedSinceMs = null;
    } else {
      unit.failedSinceMs ??= nowMs;
      if (unit.isReported || nowMs - unit.failedSinceMs < limits.graceMs) continue;
      unit.isReported = true;
      screen.error(verdict.lines.join('\n'));
    }
  }
}

/** What is known of those that time ran out for. */
function tellOpen(
  { screen }: Context,
  pending: ReadonlyMap<UnitName, Pending>,
  what: { readonly goal: string; readonly limitMs: number; readonly trouble: FleetError | null },
): void {
  const open = [...pending].filter(([, unit]) => !unit.isReported);
  if (open.length === 0) return;
  const seconds = what.limitMs / 1000;
  for (const [name, { verdict }] of open) {
    const known = verdict === null ? 'nothing is known of it' : textOf(verdict);
    screen.error(`${name} is not ${what.goal} after ${seconds} s: ${known}`);
  }
  if (what.trouble !== null) screen.note(`the last look failed: ${what.trouble.message}`);
  screen.note('it goes on without us: fleetctl list-units shows how; --timeout waits longer');
}

function textOf(verdict: Verdict): string {
  return verdict.kind === 'failed' ? verdict.lines.join('\n') : verdict.text;
}
