import { lastingRules, placingRules, type Rule, whyNot } from '../model/rules.ts';
import type { Requirements } from '../unitfile/requirements.ts';
import { Bits } from './bits.ts';
import type { Seeker } from './rank.ts';
import type { Room } from './room.ts';

/** Rooms that suit all units that ask for the same of a machine, whoever is in them. */
interface SuitClass {
  readonly bits: Bits;
  readonly takes: (room: Room) => boolean;
}

const limits = { classesMax: 256 } as const;

/** Which rooms suit whom, kept once for each set of requirements. */
export class Suitability {
  readonly #capacity: number;
  readonly #classes = new Map<string, SuitClass>();
  readonly #present: ReadonlyMap<number, Room>;

  constructor(capacity: number, present: ReadonlyMap<number, Room>) {
    this.#capacity = capacity;
    this.#present = present;
  }

  /** Rooms that a unit may be placed in, but for what concerns this unit alone. */
  placing(seeker: Seeker): Bits {
    return this.#of('placing', placingRules, seeker);
  }

  /** Rooms of machines that would do whatever else runs there. */
  lasting(seeker: Seeker): Bits {
    return this.#of('lasting', lastingRules, seeker);
  }

  /** A room is new, or its machine has changed. */
  opened(slot: number, room: Room): void {
    for (const { bits, takes } of this.#classes.values()) {
      if (takes(room)) bits.add(slot);
      else bits.delete(slot);
    }
  }

  closed(slot: number): void {
    for (const { bits } of this.#classes.values()) bits.delete(slot);
  }

  #of(kind: string, rules: readonly Rule[], seeker: Seeker): Bits {
    const key = kind + keyOf(seeker.requirements);
    const known = this.#classes.get(key);
    if (known !== undefined) return known.bits;
    if (this.#classes.size >= limits.classesMax) this.#classes.clear(); // rare, and found again
    const { metadata, onPartition } = seeker.requirements;
    const plain: Seeker = {
      ...seeker,
      requirements: {
        ...{ metadata, machineId: null, machineOf: [], conflicts: [], replaces: [], global: false },
        ...(onPartition === undefined ? {} : { onPartition }),
      },
      refusals: [],
      whyBarred: () => null,
    };
    const takes = ({ machine }: Room): boolean =>
      whyNot(rules, plain, { machine, peers: [] }) === null;
    const bits = new Bits(this.#capacity);
    for (const [slot, room] of this.#present) if (takes(room)) bits.add(slot);
    this.#classes.set(key, { bits, takes });
    return bits;
  }
}

/** The same for units that ask for the same. */
function keyOf({ metadata, onPartition }: Requirements): string {
  const stop = onPartition === undefined ? '' : ' stop';
  return metadata.length === 0 ? stop : `${stop} ${JSON.stringify(metadata)}`;
}
