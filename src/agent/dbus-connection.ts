import { EventEmitter } from 'node:events';
import { type DBusError, Message, type MessageBus, MessageFlag, sessionBus } from 'dbus-next';
import type { Clock } from '../lib/clock.ts';
import { type FleetError, messageOf } from '../lib/error.ts';
import { invariant } from '../lib/invariant.ts';
import { refusal, silence, unavailable } from './dbus-error.ts';
import { Gate } from './gate.ts';
import { agentLimits } from './limits.ts';

/** One method call; `signature` and `body` as D-Bus has them. */
export interface BusCall {
  readonly destination: string;
  readonly path: string;
  readonly interface: string;
  readonly member: string;
  readonly signature?: string;
  readonly body?: readonly unknown[];
}

/** One signal, as it came. */
export interface BusSignal {
  readonly sender: string;
  readonly path: string;
  readonly interface: string;
  readonly member: string;
  readonly body: readonly unknown[];
}

/** What a connection tells by itself. */
export interface BusEvents {
  signalled(signal: BusSignal): void;
  /** A call was answered, well or not. */
  answered(): void;
  /** Called at most once, never after `close`. */
  disconnected(error: FleetError): void;
}

/**
 * One connection to a message bus, by messages alone: no proxies, no introspection, no match rule
 * but those asked for. Calls beyond the bus's limit wait here; every call has an end.
 */
export class BusConnection {
  readonly #bus: MessageBus;
  readonly #clock: Clock;
  readonly #events: BusEvents;
  readonly #gate = new Gate(agentLimits.busPendingCountMax);
  readonly #pending = new Set<(error: FleetError) => void>();
  #end: FleetError | null = null;

  /** Use `connectBus`. */
  constructor(address: string, clock: Clock, events: BusEvents) {
    this.#clock = clock;
    this.#events = events;
    this.#bus = sessionBus({ busAddress: address, authMethods: ['EXTERNAL'] });
    this.#bus.on('message', (message) => {
      if (message.type === signalType && this.#end === null) this.#events.signalled(message);
    });
    const untyped: EventEmitter = this.#bus; // its types leave 'error' out
    untyped.on('error', (error: unknown) => this.#disconnect(error));
    // The library does not pass the end of its stream on, and its calls would wait for ever.
    const stream: unknown = Reflect.get(this.#bus, '_connection');
    invariant(stream instanceof EventEmitter, 'D-Bus', 'dbus-next has no _connection any more');
    stream.on('end', () => this.#disconnect(new Error('the bus closed the connection')));
  }

  /** Resolves once the bus has given this connection a name. */
  greeted(): Promise<void> {
    return this.#ended((resolve) => {
      if (this.#bus.name === null) this.#bus.once('connect', resolve);
      else resolve();
    }, agentLimits.busConnectMsMax);
  }

  /** Calls a method and waits for its answer's body. */
  async call(call: BusCall): Promise<readonly unknown[]> {
    return await this.#gate.run(() => this.#callNow(call));
  }

  /** Ends the connection; calls that wait fail, no event follows. */
  close(): void {
    this.#finish(unavailable('the connection to systemd was closed'));
  }

  async #callNow(call: BusCall): Promise<readonly unknown[]> {
    const message = new Message({
      ...call,
      flags: MessageFlag.NO_AUTO_START,
      signature: call.signature ?? '',
      body: [...(call.body ?? [])],
    });
    const reply = await this.#ended<Message | null>((resolve, reject) => {
      this.#bus.call(message).then(resolve, (error: unknown) => {
        if (isDBusError(error)) this.#events.answered();
        reject(isDBusError(error) ? refusal(call.member, error) : unavailable(messageOf(error)));
      });
    }, agentLimits.busCallMsMax);
    this.#events.answered();
    return reply?.body ?? [];
  }

  /** A promise that also fails after `ms` and when the connection is over. */
  #ended<T>(
    begin: (resolve: (value: T) => void, reject: (error: FleetError) => void) => void,
    ms: number,
  ): Promise<T> {
    if (this.#end !== null) return Promise.reject(this.#end);
    return new Promise((resolve, reject) => {
      const fail = (error: FleetError): void => {
        settle();
        reject(error);
      };
      const cancel = this.#clock.after(ms, () => fail(silence(ms)));
      const settle = (): void => {
        cancel();
        this.#pending.delete(fail);
      };
      this.#pending.add(fail);
      begin((value) => {
        settle();
        resolve(value);
      }, fail);
    });
  }

  #disconnect(cause: unknown): void {
    if (this.#end !== null) return;
    const error = unavailable(messageOf(cause), cause);
    this.#finish(error);
    this.#events.disconnected(error);
  }

  #finish(error: FleetError): void {
    if (this.#end !== null) return;
    this.#end = error;
    for (const fail of [...this.#pending]) fail(error);
    this.#bus.disconnect();
  }
}

/** Connects to a bus; throws FleetError `systemd/unavailable` or `systemd/timeout`. */
export async function connectBus(
  address: string,
  clock: Clock,
  events: BusEvents,
): Promise<BusConnection> {
  const connection = new BusConnection(address, clock, events);
  try {
    await connection.greeted();
    return connection;
  } catch (error) {
    connection.close();
    throw error;
  }
}

const signalType = 4;

function isDBusError(error: unknown): error is DBusError {
  return error instanceof Error && 'type' in error && typeof error.type === 'string';
}
