import type { Requirements } from '../unitfile/requirements.ts';
import type { UnitName } from '../unitfile/unit-name.ts';

/** A unit as its neighbours on one machine see it. */
export interface Peer {
  readonly name: UnitName;
  /** Globs of names it does not share a machine with: its Conflicts= and its Replaces=. */
  readonly avoids: readonly string[];
  /** It runs without an order, and only an operator takes it down. Absent: it is no orphan. */
  readonly isOrphan?: true;
}

/** Whether a glob matches a name; see `matchesGlob`. */
export type GlobMatcher = (pattern: string, name: string) => boolean;

/** The peer of a unit; without requirements (not understood, not stored) it avoids nobody itself. */
export function peerOf(name: UnitName, requirements: Requirements | null): Peer {
  if (requirements === null) return { name, avoids: [] };
  return { name, avoids: [...requirements.conflicts, ...requirements.replaces] };
}

/** An orphan as a peer: it avoids what its own text says. */
export function orphanPeer(name: UnitName, avoids: readonly string[]): Peer {
  return { name, avoids, isOrphan: true };
}

/** True when the two may not share a machine: either way, and never a unit with itself. */
export function inConflict(one: Peer, other: Peer, matches: GlobMatcher): boolean {
  if (one.name === other.name) return false;
  return avoids(one, other, matches) || avoids(other, one, matches);
}

function avoids(one: Peer, other: Peer, matches: GlobMatcher): boolean {
  return one.avoids.some((pattern) => matches(pattern, other.name));
}
