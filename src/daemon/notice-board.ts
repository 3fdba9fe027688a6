import { FleetError } from '../lib/error.ts';
import type { Logger } from '../lib/log.ts';
import type { Metric } from '../lib/metric.ts';
import { byText } from '../lib/order.ts';
import { type Notice, type NoticeKind, type Notices, noticeKinds } from '../model/notice.ts';

/** Notices that this machine knows by itself, at once; must neither throw nor wait. */
export type OwnNotices = () => readonly Notice[];

/** Notices that have to be read, from the store for example; may throw FleetError. */
export type AskedNotices = (signal: AbortSignal) => Promise<readonly Notice[]>;

const limits = {
  /** For all who have to be asked; who is later is left out, as a store that is away would be. */
  askedMs: 2_000,
} as const;

/** Where the parts of a daemon hang their notices, and the API finds them. */
export class NoticeBoard implements Notices {
  readonly #own = new Set<OwnNotices>();
  readonly #asked = new Set<{ readonly kind: NoticeKind; readonly ask: AskedNotices }>();
  readonly #log: Logger;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** What this machine knows; counted by the metric. Returns how to take it down. */
  addOwn(source: OwnNotices): () => void {
    this.#own.add(source);
    return () => this.#own.delete(source);
  }

  /** What has to be asked for, at each request anew. Returns how to take it down. */
  addAsked(kind: NoticeKind, ask: AskedNotices): () => void {
    const source = { kind, ask };
    this.#asked.add(source);
    return () => this.#asked.delete(source);
  }

  async read(
    signal: AbortSignal,
    except: ReadonlySet<string> = new Set(),
  ): Promise<readonly Notice[]> {
    const within = AbortSignal.any([signal, AbortSignal.timeout(limits.askedMs)]);
    const wanted = [...this.#asked].filter(({ kind }) => !except.has(kind));
    const asked = await Promise.all(wanted.map(({ ask }) => this.#ask(ask, within)));
    const all = [...this.#ownNow(), ...asked.flat()];
    return sorted(all.filter(({ kind }) => !except.has(kind)));
  }

  /** How many notices of each kind this machine knows of by itself. */
  metrics(): readonly Metric[] {
    const now = this.#ownNow();
    const countOf = (kind: Notice['kind']): number =>
      now.filter((notice) => notice.kind === kind).length;
    return [
      {
        name: 'fleet_notices',
        help: 'Conditions that a person must know of, seen by this machine.',
        type: 'gauge',
        samples: noticeKinds.map((kind) => ({ labels: { kind }, value: countOf(kind) })),
      },
    ];
  }

  #ownNow(): readonly Notice[] {
    return [...this.#own].flatMap((source) => source());
  }

  /** One who cannot answer must not silence the others. */
  async #ask(source: AskedNotices, signal: AbortSignal): Promise<readonly Notice[]> {
    try {
      return await orAbort(source(signal), signal);
    } catch (error) {
      if (!(error instanceof FleetError) && !signal.aborted) throw error;
      this.#log.debug({ problem: String(error) }, 'notices of one source are not known');
      return [];
    }
  }
}

function orAbort<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

/** By kind, each text once: the leader knows by itself what the store tells everybody. */
function sorted(notices: readonly Notice[]): readonly Notice[] {
  const unique = new Map(notices.map((notice) => [`${notice.kind} ${notice.text}`, notice]));
  const rank = ({ kind }: Notice): number => noticeKinds.indexOf(kind);
  return [...unique.values()].sort(
    (one, other) => rank(one) - rank(other) || byText(one.text, other.text),
  );
}
