import { FleetError } from '../lib/error.ts';
import type { UnitName } from '../unitfile/unit-name.ts';
import { agentLimits } from './limits.ts';
import { type ActualUnit, isUnloadable } from './observe.ts';
import type { Systemd } from './systemd.ts';

/** What systemd said when it could not use a unit's file, e.g. which setting; empty: nothing. */
export type ExplainLoad = (unit: UnitName) => Promise<string>;

/** What was found out about one failure. */
interface Known {
  readonly key: string;
  /** null: the answer is on its way. */
  words: string | null;
}

/**
 * Why units failed or cannot be loaded, in systemd's words: asked for once for each failure, while
 * the work on units goes on.
 */
export class FailureWords {
  readonly #systemd: Pick<Systemd, 'failureOf'>;
  readonly #explain: ExplainLoad;
  readonly #onNews: () => void;
  readonly #known = new Map<UnitName, Known>();
  #askedCount = 0;

  /** `onNews` is called when words came. */
  constructor(
    systemd: Pick<Systemd, 'failureOf'>,
    explain: ExplainLoad | undefined,
    onNews: () => void,
  ) {
    this.#systemd = systemd;
    this.#explain = explain ?? (async () => '');
    this.#onNews = onNews;
  }

  /** Empty: nothing is wrong, or systemd has no words for it; null: it is being found out. */
  of(unit: ActualUnit): string | null {
    const key = failureKey(unit);
    const before = this.#known.get(unit.name);
    if (key === null) {
      this.#known.delete(unit.name);
      return '';
    }
    if (before?.key === key) return before.words;
    if (this.#askedCount >= agentLimits.wordsCountMax) return null; // an answer nudges, then it is asked
    const known: Known = { key, words: null };
    this.#known.set(unit.name, known);
    this.#askedCount += 1;
    void this.#ask(unit, known);
    return null;
  }

  async #ask(unit: ActualUnit, known: Known): Promise<void> {
    try {
      const isLoad = isUnloadable(unit);
      known.words = await (isLoad ? this.#explain(unit.name) : this.#systemd.failureOf(unit.name));
    } catch (error) {
      if (!(error instanceof FleetError)) throw error;
      known.words = ''; // the failure itself is told all the same
    } finally {
      this.#askedCount -= 1;
    }
    this.#onNews();
  }
}

/** Another failure has another key; null: nothing is wrong. */
function failureKey(unit: ActualUnit): string | null {
  if (isUnloadable(unit)) return `load ${unit.status.load} ${unit.disk.contentHash}`;
  if (unit.owner.kind !== 'fleet' || unit.status.active !== 'failed') return null;
  return `run ${unit.status.invocationId}`;
}
