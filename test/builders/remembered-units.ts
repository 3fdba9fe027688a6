import type { Submission, SubmitOutcome } from '../../src/model/catalog.ts';
import type { DesiredState } from '../../src/model/unit.ts';
import type { UnitName } from '../../src/unitfile/unit-name.ts';

/** What a user asks for, one step of a sequence. */
export type UserAction =
  | {
      readonly kind: 'submit';
      readonly submission: Pick<Submission, 'name' | 'text' | 'desired'>;
    }
  | { readonly kind: 'set'; readonly unit: UnitName; readonly desired: DesiredState }
  | { readonly kind: 'restart'; readonly unit: UnitName }
  | { readonly kind: 'destroy'; readonly unit: UnitName };

/** How the catalog answers an action. */
export type ActionOutcome = SubmitOutcome | 'missing' | 'restarted' | 'destroyed';

/** A unit as a user who remembers every answer believes it to be stored. */
export interface RememberedUnit {
  readonly content: string;
  readonly desired: DesiredState;
  readonly restartCount: number;
}

/** All of them: the model that clusters, simulated and real, are checked against. */
export type RememberedUnits = Map<UnitName, RememberedUnit>;

/**
 * Remembers an action, and says how the catalog has to answer it. `isFinished`: the unit is a oneshot
 * that is known to have ended well, and runs once more when it is asked for again. Restarts of
 * oneshots are not counted.
 */
export function remember(
  units: RememberedUnits,
  action: UserAction,
  isFinished = false,
): ActionOutcome {
  if (action.kind === 'destroy') return units.delete(action.unit) ? 'destroyed' : 'missing';
  if (action.kind === 'submit') return rememberSubmission(units, action.submission, isFinished);
  const known = units.get(action.unit);
  if (known === undefined) return 'missing';
  if (action.kind === 'restart') {
    const restartCount = known.restartCount + 1;
    units.set(action.unit, { ...known, desired: 'launched', restartCount });
    return 'restarted';
  }
  if (known.desired === action.desired && !isFinished) return 'unchanged';
  units.set(action.unit, { ...known, desired: action.desired });
  return 'updated';
}

function rememberSubmission(
  units: RememberedUnits,
  { name, text, desired }: Pick<Submission, 'name' | 'text' | 'desired'>,
  isFinished: boolean,
): SubmitOutcome {
  const before = units.get(name);
  const isOther = before === undefined || withoutComments(before.content) !== withoutComments(text);
  const restartCount = isOther ? 0 : before.restartCount;
  units.set(name, { content: text, desired, restartCount });
  if (before === undefined) return 'created';
  if (isOther) return 'replaced';
  const isSame = before.content === text && before.desired === desired && !isFinished;
  return isSame ? 'unchanged' : 'updated';
}

function withoutComments(text: string): string {
  return text.replaceAll(/^#.*\n/gm, '');
}
