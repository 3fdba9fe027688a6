import { FleetError } from '../lib/error.ts';
import { inConflict, type Peer } from '../model/conflict.ts';
import type { Revision } from '../model/ids.ts';
import type { OrderBook } from '../model/ledger.ts';
import { matchesGlob } from '../unitfile/glob.ts';
import type { ContentHash } from '../unitfile/unit-hash.ts';
import type { UnitName } from '../unitfile/unit-name.ts';
import type { UnitFiles } from './files.ts';
import type { MachineView } from './machine-view.ts';
import { type ActualUnit, isUp } from './observe.ts';
import { orphanText } from './orphan-text.ts';
import { refused } from './refusal.ts';

/** A unit of ours on this machine that runs, or is to. */
interface Neighbour extends Peer {
  /** At which revision it was ordered to be launched; null: it runs, and was here first. */
  readonly orderedAt: Revision | null;
}

const nobody: readonly string[] = [];

/** What a file said when it was read last. */
interface KnownText {
  readonly contentHash: ContentHash;
  readonly avoids: readonly string[];
}

/**
 * Who gets along with whom on this machine, by what the files here say (invariant 12). The leader
 * decides by what is stored; of a unit whose record is damaged, or that it was not told about, it
 * does not know whom it avoids. Its machine does.
 */
export class Neighbours {
  readonly #files: Pick<UnitFiles, 'readText'>;
  readonly #texts = new Map<UnitName, KnownText>();

  constructor(files: Pick<UnitFiles, 'readText'>) {
    this.#files = files;
  }

  /**
   * Looks at everybody; `starting`: units with a start job of ours. What it gives throws FleetError
   * (`systemd/refused`) for a unit that may not be started beside somebody who runs, or whose launch
   * was ordered earlier.
   */
  async look(
    view: Pick<MachineView, 'names' | 'actual' | 'unreadable'>,
    book: OrderBook | null,
    starting: ReadonlySet<UnitName>,
  ): Promise<(unit: UnitName) => void> {
    const known = new Map<UnitName, Neighbour>();
    for (const name of view.names()) {
      const actual = view.actual(name, starting.has(name) ? 'start' : null);
      const orderedAt = launchOf(actual, book);
      if (actual === undefined || orderedAt === undefined) continue;
      known.set(name, { name, orderedAt, avoids: await this.#avoids(actual) });
    }
    // What cannot be looked at now may run: it counts as what was last known of it.
    for (const name of view.unreadable.keys()) {
      known.set(name, { name, orderedAt: null, avoids: this.#texts.get(name)?.avoids ?? nobody });
    }
    for (const name of this.#texts.keys()) if (!known.has(name)) this.#texts.delete(name);
    const avoiding = [...known.values()].filter(({ avoids }) => avoids.length > 0);
    return (unit) => {
      const avoids = known.get(unit)?.avoids ?? [];
      // Most units avoid nobody: only those that avoid somebody have to be asked.
      for (const other of avoids.length === 0 ? avoiding : known.values()) {
        const isApart = inConflict({ name: unit, avoids }, other, matchesGlob);
        if (!isApart || !isFirst(other, unit, book)) continue;
        const isOrphan = book?.orders.has(other.name) !== true;
        const why = isOrphan ? 'runs here without a known order' : 'came to this machine first';
        throw refused(`conflicts with ${other.name}, which ${why}`);
      }
    };
  }

  /** Each text is read once; of a file that was lost the text that was last read counts. */
  async #avoids({ name, disk }: ActualUnit): Promise<readonly string[]> {
    const known = this.#texts.get(name);
    const isKnown = disk.contentHash === null || known?.contentHash === disk.contentHash;
    if (known !== undefined && isKnown) return known.avoids;
    const text = await this.#files.readText(name).catch((error: unknown) => {
      if (error instanceof FleetError) return null; // lost or unreadable since it was looked at
      throw error;
    });
    if (text === null) return known?.avoids ?? nobody;
    const { contentHash, avoids } = orphanText(name, text);
    this.#texts.set(name, { contentHash, avoids: avoids.length === 0 ? nobody : avoids });
    return avoids;
  }
}

/** null: it runs; undefined: it neither runs nor is to, or is not ours. */
function launchOf(
  actual: ActualUnit | undefined,
  book: OrderBook | null,
): Revision | null | undefined {
  if (actual === undefined || actual.owner.kind === 'other') return undefined;
  const { name, status, busy } = actual;
  if (isUp(actual) || busy === 'start' || status.hasJob) return null;
  return book?.orders.get(name)?.want === 'launch' ? book.revisions.get(name) : undefined;
}

/** Whether it was here before a unit that is to be started: by its order, then by its name. */
function isFirst({ name, orderedAt }: Neighbour, unit: UnitName, book: OrderBook | null): boolean {
  const unitAt = book?.revisions.get(unit);
  if (orderedAt === null || unitAt === undefined) return true;
  return orderedAt === unitAt ? name < unit : orderedAt < unitAt;
}
