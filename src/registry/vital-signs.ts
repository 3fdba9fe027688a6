import type { Withheld } from './lease-keeper.ts';

/** When the parts of a daemon last showed that they work; monotonic. */
export interface Signs {
  /** The main loop came round. */
  readonly loopAtMs: number;
  /** systemd answered the agent; null: the agent does not work yet and is not judged. */
  readonly systemdAtMs: number | null;
}

/** What follows from them. */
export interface Judgement {
  /** Why the lease is left to expire; null: renew it. */
  readonly withheld: Withheld | null;
  /** The main loop has not come round for a TTL: it cannot lead. */
  readonly isStuck: boolean;
}

/**
 * A machine counts as alive as long as its daemon has worked within `wedgeMs`: load may hold it up
 * for a while, but one that is stuck for good must not keep its units from moving.
 */
export function judgeSigns(
  { loopAtMs, systemdAtMs }: Signs,
  at: { readonly nowMs: number; readonly ttlMs: number; readonly wedgeMs: number },
): Judgement {
  const { nowMs, ttlMs, wedgeMs } = at;
  const isStuck = nowMs - loopAtMs > ttlMs;
  if (nowMs - loopAtMs > wedgeMs) return { withheld: 'loop', isStuck };
  const isCutOff = systemdAtMs !== null && nowMs - systemdAtMs > wedgeMs;
  return { withheld: isCutOff ? 'systemd' : null, isStuck };
}

const loopSlot = 0;
const systemdSlot = 1;
const slotCount = 2;

/** The signs in memory that two threads share: a sign given wakes nobody. */
export class SharedSigns {
  readonly #slots: BigInt64Array;
  /** To be handed to the other thread. */
  readonly memory: SharedArrayBuffer;

  constructor(memory = new SharedArrayBuffer(slotCount * BigInt64Array.BYTES_PER_ELEMENT)) {
    this.memory = memory;
    this.#slots = new BigInt64Array(memory);
  }

  loopTurned(atMs: number): void {
    Atomics.store(this.#slots, loopSlot, BigInt(Math.round(atMs)));
  }

  systemdAnswered(atMs: number): void {
    Atomics.store(this.#slots, systemdSlot, BigInt(Math.round(atMs)));
  }

  read(): Signs {
    const systemdAtMs = Number(Atomics.load(this.#slots, systemdSlot));
    return {
      loopAtMs: Number(Atomics.load(this.#slots, loopSlot)),
      systemdAtMs: systemdAtMs === 0 ? null : systemdAtMs,
    };
  }
}
