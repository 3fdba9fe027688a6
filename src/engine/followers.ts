import { byText } from '../lib/order.ts';
import type { Steps } from '../lib/steps.ts';
import { WideMap } from '../lib/wide-map.ts';
import type { ClusterPicture } from '../model/cluster-picture.ts';
import type { UnitRecord } from '../model/unit.ts';
import type { UnitName } from '../unitfile/unit-name.ts';

/** The units whose machine this plan decides on. */
export type Placeable = ReadonlyMap<UnitName, UnitRecord>;

/** Non-global units that are to be loaded or launched and can be read, sorted by name. */
export function placeable(picture: ClusterPicture): Placeable {
  return new Map(
    [...picture.units]
      .filter(([unit]) => isPlaceable(picture, unit))
      .sort(([left], [right]) => byText(left, right)),
  );
}

/** Whether a plan decides on the machine of that unit. */
export function isPlaceable(picture: ClusterPicture, unit: UnitName): boolean {
  const record = picture.units.get(unit);
  if (record === undefined || picture.unreadable.has(unit)) return false;
  return !record.gone && record.desired !== 'inactive' && !record.requirements.global;
}

/** How MachineOf= ties units together. */
export interface Following {
  /** 0 for units that follow nobody; a follower's is one more than its deepest target's. */
  readonly depths: ReadonlyMap<UnitName, number>;
  /** Units on a circle of MachineOf=, each with the circle in words. */
  readonly circles: ReadonlyMap<UnitName, string>;
}

/**
 * Walks MachineOf= from every unit, in the order of `names`; targets that are not in `units` end the
 * walk.
 */
export function* followings(units: Placeable, names: Iterable<UnitName>): Steps<Following> {
  const depths = new WideMap<UnitName, number>();
  const circles = new Map<UnitName, string>();
  const path: UnitName[] = [];
  const depthOf = (unit: UnitName): number => {
    const known = depths.get(unit);
    if (known !== undefined) return known;
    const start = path.indexOf(unit);
    if (start !== -1) {
      const circle = path.slice(start);
      for (const member of circle) circles.set(member, circleWords(circle));
      return 0;
    }
    path.push(unit);
    const targets = (units.get(unit)?.requirements.machineOf ?? []).filter((of) => units.has(of));
    const depth = targets.reduce((deepest, target) => Math.max(deepest, depthOf(target) + 1), 0);
    path.pop();
    depths.set(unit, depth);
    return depth;
  };
  for (const unit of names) {
    yield;
    if (units.has(unit)) depthOf(unit);
  }
  return { depths, circles };
}

function circleWords(circle: readonly UnitName[]): string {
  const [first] = [...circle].sort(byText);
  const start = first === undefined ? 0 : circle.indexOf(first);
  const turned = [...circle.slice(start), ...circle.slice(0, start), first];
  return `MachineOf= goes in a circle: ${turned.join(' → ')}`;
}
