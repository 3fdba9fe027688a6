import type { UnitBody, UnitStateWord } from '../api/schema.ts';
import type { UnitName } from '../unitfile/unit-name.ts';
import type { Context, ExitStatus } from './command.ts';
import type { KnownUnit } from './named-units.ts';
import { sendPuts } from './send.ts';
import { desiredFor, type Goal, judge, type Verdict } from './verdict.ts';
import { MachineLookup, readAwaited, waitForUnits } from './wait.ts';
import type { WaitFlags } from './wait-flags.ts';

/** A unit on its way to a state. */
export interface Traveller {
  readonly name: UnitName;
  readonly isGlobal: boolean;
  /** null: new to the cluster. */
  readonly before: Pick<UnitBody, 'desiredState' | 'placement'> | null;
  /** Content to store with it; null: what is stored stays. */
  readonly text: string | null;
  /** Started again although it is launched already; absent: no. */
  readonly isAnew?: boolean;
}

/** A known unit that is to change its state and nothing else. */
export function toTraveller({ name, body }: KnownUnit): Traveller {
  return { name, isGlobal: body.global, before: body, text: null };
}

/** A known unit that is to be started, though it may be launched already. */
export function startAnew(unit: KnownUnit): Traveller {
  return { ...toTraveller(unit), isAnew: true };
}

/** Where units are to go, and what the command is called. */
export interface Journey {
  readonly verb: 'load' | 'start' | 'restart' | 'stop' | 'unload';
  readonly goal: Goal;
  readonly wait: WaitFlags;
}

/**
 * Asks for a state of units, then waits until they are there. A unit that is asked for nothing new
 * is only waited for; a global one is never waited for, as in fleet 1.0.
 */
export async function bringTo(
  context: Context,
  units: readonly Traveller[],
  { verb, goal, wait }: Journey,
): Promise<ExitStatus> {
  const desiredState = desiredFor[goal];
  const writes = units
    .filter(({ before, text, isAnew }) => {
      return text !== null || isAnew === true || isAskedFor(before, desiredState);
    })
    .map(({ name, text, isAnew }) => {
      if (text !== null) return { name, body: { desiredState, text } };
      return { name, body: { desiredState, ...(isAnew === true ? { restart: true } : {}) } };
    });
  const written = new Set(writes.map(({ name }) => name));
  const sent = await sendPuts(context, writes);
  const underway = units.filter(({ name }) => !written.has(name) || sent.has(name));
  const awaited: UnitName[] = [];
  for (const { name, isGlobal } of underway) {
    if (isGlobal) context.screen.line(`Triggered global unit ${name} ${verb}`);
    else if (!wait.isWaiting) context.screen.line(`Triggered unit ${name} ${verb}`);
    else awaited.push(name);
  }
  const late = await waitForUnits(context, {
    names: awaited,
    goal,
    limitMs: wait.limitMs,
    look: lookingAt(context, goal),
  });
  return underway.length === units.length && late.length === 0 ? 0 : 1;
}

/**
 * As `bringTo`, with units that run, or ran, and are to be started anew. A fleetd of fleet 1.0 knows
 * no restart: `old`, its units among them, are stopped first, and waited for.
 */
export async function bringToAnew(
  context: Context,
  units: readonly Traveller[],
  old: ReadonlySet<UnitName>,
  journey: Journey,
): Promise<ExitStatus> {
  const stopped = await bringTo(
    context,
    units.filter(({ name }) => old.has(name)).map((unit) => ({ ...unit, isAnew: false })),
    { verb: 'stop', goal: 'stopped', wait: { ...journey.wait, isWaiting: true } },
  );
  const globals = units.filter(({ name, isGlobal }) => isGlobal && old.has(name));
  const late = await waitForUnits(context, {
    names: globals.map(({ name }) => name),
    goal: 'stopped',
    limitMs: journey.wait.limitMs,
    look: lookingForStop(context),
  });
  const before = { desiredState: 'loaded', placement: null } as const;
  const travellers = units.map((unit) =>
    old.has(unit.name) ? { ...unit, before, isAnew: false } : unit,
  );
  const started = await bringTo(context, travellers, journey);
  return stopped === 0 && late.length === 0 ? started : 1;
}

/** Whether a state is news for a unit; a oneshot that has finished may be started once more. */
function isAskedFor(before: Traveller['before'], desired: UnitStateWord): boolean {
  if (before?.desiredState !== desired) return true;
  return desired === 'launched' && before.placement?.finished === true;
}

function lookingAt(
  context: Context,
  goal: Goal,
): (names: readonly UnitName[]) => Promise<ReadonlyMap<UnitName, Verdict>> {
  const client = context.client();
  const machines = new MachineLookup(client);
  return async (names) => {
    const units = await readAwaited(client, names);
    const ids = [...units.values()].flatMap((unit) => unit?.machineID ?? []);
    const known = await machines.namesFor(ids);
    return new Map([...units].map(([name, unit]) => [name, judge(name, unit, goal, known)]));
  };
}

/** Whether the copies of global units have stopped everywhere. */
function lookingForStop(
  context: Context,
): (names: readonly UnitName[]) => Promise<ReadonlyMap<UnitName, Verdict>> {
  const client = context.client();
  const machines = new MachineLookup(client);
  return async (names) => {
    const units = await readAwaited(client, names);
    const up = [...units].map(([name, unit]) => {
      const rows = unit?.machines.filter(({ active }) => /^(active|.*ing)$/.test(active)) ?? [];
      return [name, rows.map(({ machineID }) => machineID)] as const;
    });
    const known = await machines.namesFor(up.flatMap(([, ids]) => ids));
    return new Map(
      up.map(([name, ids]): [UnitName, Verdict] => {
        const where = ids.map((id) => known.full(id)).join(', ');
        if (ids.length > 0) return [name, { kind: 'underway', text: `it still runs on ${where}` }];
        return [name, { kind: 'reached', text: `Unit ${name} loaded` }];
      }),
    );
  };
}
