import type { IWatchRequest, IWatchResponse } from 'etcd3';
import type { Clock } from '../lib/clock.ts';
import type { Revision } from '../model/ids.ts';
import type { EtcdConnection } from './etcd-connection.ts';
import { ownStream, type Stream } from './etcd-stream.ts';
import { fromWireItem, toRevision } from './etcd-wire.ts';
import type { RequestCounter } from './request-counter.ts';
import type { KeyRange, Watch, WatchEvent, WatchHandler } from './store.ts';

/** One raw watch stream. It never reconnects: whoever follows a range reads again first. */
export class EtcdWatch implements Watch {
  readonly #connection: EtcdConnection;
  readonly #handler: WatchHandler;
  readonly #clock: Clock;
  readonly #counter: RequestCounter;
  readonly #forgetEnd: () => void;
  #stream: Stream<IWatchRequest, IWatchResponse> | null = null;
  #isOver = false;

  constructor(
    connection: EtcdConnection,
    what: { readonly range: KeyRange; readonly from: Revision; readonly handler: WatchHandler },
    clock: Clock,
    counter: RequestCounter,
  ) {
    this.#connection = connection;
    this.#handler = what.handler;
    this.#clock = clock;
    this.#counter = counter;
    this.#forgetEnd = connection.onEnd(() => this.#end('broken'));
    counter.sent('watch');
    void this.#open(what.range, what.from); // reports through the handler, never rejects
  }

  requestProgress(): void {
    if (this.#isOver || this.#stream === null) return;
    this.#counter.sent('progress');
    this.#stream.write({ progress_request: {} });
  }

  stop(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#forgetEnd();
    this.#stream?.cancel();
  }

  async #open(range: KeyRange, from: Revision): Promise<void> {
    const sentAtMs = this.#clock.nowMs();
    try {
      const stream = ownStream<IWatchRequest, IWatchResponse>(
        await this.#connection.etcd.watchClient.watch(),
        (error) => this.#fail(error, this.#clock.nowMs()),
      );
      this.#stream = stream;
      stream.on('end', () => this.#end('broken'));
      stream.on('data', (response) => this.#take(response));
      if (this.#isOver) {
        stream.cancel();
        return;
      }
      stream.write({
        create_request: {
          key: Buffer.from(range.from),
          range_end: Buffer.from(range.to),
          start_revision: String(from),
          progress_notify: true,
        },
      });
    } catch (thrown) {
      this.#fail(thrown, sentAtMs);
    }
  }

  #take(response: IWatchResponse): void {
    if (this.#isOver) return;
    this.#connection.answered(response.header);
    if (response.canceled) {
      this.#end(response.compact_revision === '0' ? 'broken' : 'compacted');
      return;
    }
    const events = response.events.map(fromWireEvent);
    const last = events.at(-1);
    if (last === undefined) this.#handler.alive();
    else this.#handler.events(events, last.kind === 'put' ? last.item.modRevision : last.revision);
  }

  #fail(thrown: unknown, sentAtMs: number): void {
    if (this.#isOver) return; // the echo of our own cancel
    this.#counter.failed('watch');
    this.#end('broken');
    this.#connection.doubt(thrown, sentAtMs);
  }

  #end(why: 'compacted' | 'broken'): void {
    if (this.#isOver) return;
    this.stop();
    this.#handler.ended(why);
  }
}

function fromWireEvent(event: IWatchResponse['events'][number]): WatchEvent {
  return String(event.type) === 'Put'
    ? { kind: 'put', item: fromWireItem(event.kv) }
    : {
        kind: 'delete',
        key: event.kv.key.toString(),
        revision: toRevision(event.kv.mod_revision),
      };
}
