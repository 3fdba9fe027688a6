// engine: the leader's decisions: who runs where, and which orders say so.
// Knows the picture and the session of src/model; nothing of etcd, D-Bus or the API.
// Start with plan.ts (the plan, pure), then engine.ts (the shell that leads and writes).

import { finished } from '../lib/steps.ts';
import { applyDecisions } from '../model/apply-decisions.ts';
import type { Decision } from '../model/change.ts';
import { type ClusterPicture, emptyPicture } from '../model/cluster-picture.ts';
import type { UnitName } from '../unitfile/unit-name.ts';
import { type Braking, brakeDecisions, unbraked } from './brake.ts';
import { ScannedRooms } from './candidates.ts';
import { unitDecisions } from './decisions.ts';
import { Draft, sortedByKey } from './draft.ts';
import { followings, placeable } from './followers.ts';
import { forgetMembers } from './forget.ts';
import { furnish } from './furnish.ts';
import { addGlobals, keepGlobals } from './globals.ts';
import { keepSeats } from './keep.ts';
import { memberDecisions } from './members.ts';
import { orphanDecisions } from './orphans.ts';
import { deltaOf } from './picture-delta.ts';
import type { AbsentForMs } from './plan-time.ts';
import { unitChanges } from './plan-unit.ts';
import { settle } from './settle.ts';
import type { Reasoned } from './subject.ts';
import { textDecisions } from './texts.ts';

/** What the leader is to write, and when to look again though nothing happened. */
export interface Plan {
  readonly decisions: readonly Decision[];
  /** Wall time in ms since 1970; null when time alone changes nothing. */
  readonly wakeAtMs: number | null;
}

/** What else a plan depends on. */
export interface PlanCircumstances {
  /** What to do when most machines vanish at once (see `planBrake`); nothing if not given. */
  readonly braking?: Braking;
  /** For how long a machine has been absent; if not given, no hold ever passes. */
  readonly absentForMs?: AbsentForMs;
}

/**
 * The plan for a picture: first who belongs where, then what the store lacks for it. The plain
 * planner: it looks at everything, and a faster one has to agree with it.
 *
 * Planning again after writing it decides nothing, but for a move out of a hold, whose steps each need
 * a picture of their own (see `released`). `nowMs` is wall time, ms since 1970; before
 * `absenceCountsAtMs`, a machine that is absent may only not have come back yet (see `Draft.awaited`).
 */
export function planCluster(
  stored: ClusterPicture,
  nowMs: number,
  absenceCountsAtMs: number = nowMs,
  { braking = unbraked, absentForMs = unknownAbsence }: PlanCircumstances = {},
): Plan {
  const { picture, decisions: forgotten } = forgetMembers(stored, absentForMs);
  const draft = new Draft(({ rooms }) => new ScannedRooms(rooms));
  const delta = finished(deltaOf(emptyPicture, picture));
  finished(draft.turn(picture, { nowMs, absenceCountsAtMs, absentForMs }, braking, delta));
  for (const machine of picture.machines.keys()) furnish(draft, machine, null);
  for (const unit of picture.placements.keys()) draft.fix(unit);
  const units = placeable(picture);
  const following = finished(followings(units, units.keys()));
  const homeless = finished(keepSeats(draft, units, following));
  keepGlobals(draft, draft.rooms.values());
  finished(settle(draft, homeless, following));
  addGlobals(draft, draft.rooms.values());

  const changes = new Map<UnitName, readonly Reasoned[]>();
  for (const [unit, record] of sortedByKey(picture.units)) {
    if (draft.isFrozen(unit)) continue;
    const circle = following.circles.get(unit) ?? null;
    changes.set(unit, unitChanges(draft, { unit, record, circle }));
  }
  const members = memberDecisions(draft, [...picture.machines.keys(), ...picture.members.keys()]);
  const ofOrphans = orphanDecisions(picture, picture.orders.keys());
  const ofUnits = [...members, ...ofOrphans, ...finished(unitDecisions(draft, changes))];
  const ofTexts = textDecisions(applyDecisions(picture, ofUnits));
  const first = [...brakeDecisions(picture.brake, draft.brake), ...forgotten];
  return { decisions: [...first, ...ofUnits, ...ofTexts], wakeAtMs: draft.wakeAtMs };
}

function unknownAbsence(): number {
  return 0;
}
