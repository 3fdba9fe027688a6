import { setTimeout as pause } from 'node:timers/promises';
import fc from 'fast-check';
import { expect, it, vi } from 'vitest';
import type { MachineStatus } from '../../src/lab/status.ts';
import type { UnitName } from '../../src/unitfile/unit-name.ts';
import {
  type ActionOutcome,
  type RememberedUnits,
  remember,
  type UserAction,
} from '../builders/remembered-units.ts';
import { type ApiAnswer, apiCall } from './api-call.ts';
import { countHeld, type HeldCounts } from './held-counts.ts';
import { anySequence, contentOf, type Step, startsPath, stepWords } from './sequence-steps.ts';
import { type Asked, historyProblems, whyNotAsRemembered } from './sequence-verdict.ts';
import { type ClusterView, lookAround } from './sequence-view.ts';
import { patience, withFleet } from './with-fleet.ts';

const sequenceCount = Number(process.env['FLOTILLA_SEQUENCES_REAL'] ?? 5);
/** To play a failed run again, give it the seed and the path that it told. */
const seed = Number(process.env['FLOTILLA_SEQUENCES_SEED'] ?? Date.now() % 2 ** 31);
const path = process.env['FLOTILLA_SEQUENCES_PATH'];
const sequenceMs = 2 * patience.timeout;

const fleet = withFleet();

/** One sequence on an empty cluster, which it leaves empty. */
async function play(steps: readonly Step[], machines: readonly MachineStatus[]): Promise<void> {
  for (const { name } of machines) await fleet.script(name, `rm -f ${startsPath}`);
  const units: RememberedUnits = new Map();
  const asked = new Map<UnitName, Asked>();
  for (const { action, via, pauseMs } of steps) {
    const before = new Map(units);
    const outcome = remember(units, action);
    note(asked, { action, outcome, before });
    const answer = await perform(action, machines[via]?.address ?? '');
    expect(answer.status, `${JSON.stringify(action)}: ${answer.text}`).toBe(
      statusOf(action, outcome),
    );
    await pause(pauseMs);
  }
  const view = await settled(units, machines);
  expect(historyProblems(asked, view).join('\n')).toBe('');
  for (const unit of [...units.keys()]) {
    const answer = await perform({ kind: 'destroy', unit }, machines[0]?.address ?? '');
    expect(answer.status).toBe(204);
  }
  await settled(new Map(), machines);
}

/** Waits until the cluster is as it was asked to be; fails with what is not. */
async function settled(
  units: RememberedUnits,
  machines: readonly MachineStatus[],
): Promise<ClusterView> {
  return vi.waitFor(async () => {
    const view = await lookAround(fleet, machines);
    const problems = whyNotAsRemembered(units, view);
    if (problems.length > 0) throw new Error(problems.join('\n'));
    return view;
  }, patience);
}

function perform(action: UserAction, address: string): Promise<ApiAnswer> {
  if (action.kind === 'submit') {
    const { name, text, desired } = action.submission;
    return apiCall(address, 'PUT', `/units/${name}`, { text, desiredState: desired });
  }
  const unitPath = `/units/${action.unit}`;
  if (action.kind === 'destroy') return apiCall(address, 'DELETE', unitPath);
  if (action.kind === 'restart') return apiCall(address, 'PUT', unitPath, { restart: true });
  return apiCall(address, 'PUT', unitPath, { desiredState: action.desired });
}

function statusOf(action: UserAction, outcome: ActionOutcome): number {
  if (outcome === 'missing') return action.kind === 'set' ? 409 : 404;
  return outcome === 'created' || outcome === 'replaced' ? 201 : 204;
}

/** Takes down what a step asked for, for the history of the unit. */
function note(
  asked: Map<UnitName, Asked>,
  step: { action: UserAction; outcome: ActionOutcome; before: RememberedUnits },
): void {
  const { action, outcome, before } = step;
  if (action.kind === 'destroy' || outcome === 'missing') return;
  const unit = action.kind === 'submit' ? action.submission.name : action.unit;
  const its = asked.get(unit) ?? { contents: [], startCount: 0 };
  asked.set(unit, its);
  const isNew = outcome === 'created' || outcome === 'replaced';
  if (isNew && action.kind === 'submit') its.contents.push(contentOf(action.submission.text));
  const wasLaunched = !isNew && before.get(unit)?.desired === 'launched';
  const desired =
    action.kind === 'submit'
      ? action.submission.desired
      : action.kind === 'set'
        ? action.desired
        : 'launched';
  const isStart = desired === 'launched' && (!wasLaunched || action.kind === 'restart');
  if (isStart) its.startCount += 1;
}

/** Counts once nobody is connected: the lab was, to see whether its machines are up. */
async function quiet(machines: readonly MachineStatus[]): Promise<HeldCounts> {
  let counts: HeldCounts | null = null;
  const count = async () => {
    counts = await countHeld(fleet, machines);
    return counts.clients;
  };
  await expect.poll(count, patience).toBe(0);
  return counts ?? countHeld(fleet, machines);
}

/** What is more than it was; a connection that is being made again may be missing for a moment. */
function grown(before: HeldCounts, now: HeldCounts): readonly string[] {
  const kinds = Object.keys(before) as (keyof HeldCounts)[];
  return kinds
    .filter((kind) => now[kind] > before[kind])
    .map((kind) => `${kind}: ${before[kind]}, now ${now[kind]}`);
}

it('after any sequence of user actions what should run runs, once, in its last text, ' +
  'nothing else is left, and nothing is held that was not held before', {
  timeout: (sequenceCount + 4) * sequenceMs,
}, async () => {
  const machines = await fleet.upMachines();
  process.stdout.write(
    `${sequenceCount} sequences; again: FLOTILLA_SEQUENCES_SEED=${seed} ` +
      `FLOTILLA_SEQUENCES_REAL=${sequenceCount}\n`,
  );
  // Connections that are opened at first use are open from here on.
  const [first] = fc.sample(anySequence, { numRuns: 1, seed: 1 });
  await play(first ?? [], machines);
  const before = await quiet(machines);
  await fc.assert(
    fc.asyncProperty(anySequence, (steps) => play(steps, machines)),
    {
      ...{ numRuns: sequenceCount, seed, endOnFailure: true },
      ...(path === undefined ? {} : { path }),
      reporter: (run) => {
        if (!run.failed) return;
        const steps = (run.counterexample?.[0] ?? []).map(stepWords).join('\n  ');
        const { seed: of, counterexamplePath } = run;
        const replay = `FLOTILLA_SEQUENCES_SEED=${of} FLOTILLA_SEQUENCES_PATH=${counterexamplePath}`;
        throw new Error(`${replay}\n  ${steps}\n${String(run.errorInstance)}`, {
          cause: run.errorInstance,
        });
      },
    },
  );
  const more = async () => grown(before, await countHeld(fleet, machines));
  await expect.poll(more, patience).toEqual([]);
});
