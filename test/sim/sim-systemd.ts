import { basename } from 'node:path';
import type {
  JobResult,
  Systemd,
  SystemdEvents,
  UnitChange,
  UnitStatus,
} from '../../src/agent/systemd.ts';
import type { Clock } from '../../src/lib/clock.ts';
import { FleetError, type TroubleCode } from '../../src/lib/error.ts';
import type { UnitName } from '../../src/unitfile/unit-name.ts';
import type { MemoryDisk } from './memory-disk.ts';
import type { Random } from './random.ts';
import { SimGuard } from './sim-guard.ts';
import type { SimProcess } from './sim-process.ts';
import { type Behaviour, behaviourOf } from './unit-behaviour.ts';

/** Where units are linked for systemd to find. */
export const runtimeFolder = '/run/systemd/system';

const limits = { busCallMsMax: 30_000, restartMs: 100, restartsMax: 4 } as const;

/** What systemd does with a unit, as a witness sees it. */
export interface SystemdWitness {
  /** An agent asks for a job; called before anything of it happens. */
  asked(kind: 'start' | 'stop', unit: UnitName): void;
  /** A process begins, from that text: by an agent's job, or by systemd itself. */
  began(unit: UnitName, text: string, by: 'job' | 'systemd'): void;
  /** Nothing of the unit runs any more. */
  ended(unit: UnitName): void;
}

/** What systemd is made of. */
export interface SimSystemdParts {
  readonly disk: MemoryDisk;
  readonly clock: Clock;
  readonly random: Random;
  readonly witness: SystemdWitness;
  /** Units that the operating system brings along. */
  readonly ownUnits: ReadonlySet<UnitName>;
}

interface Job {
  readonly kind: 'start' | 'stop';
  readonly waiters: ((result: JobResult) => void)[];
}

/** A unit that systemd holds in memory. */
interface Held {
  /** null: its file was gone when all were read again. */
  text: string | null;
  active: string;
  sub: string;
  invocationId: string;
  job: Job | null;
  /** Times that systemd started it again by itself since it was last asked to. */
  restartCount: number;
  /** The step it is in the middle of. */
  cancel: () => void;
}

interface Connection {
  readonly events: SystemdEvents;
  readonly process: SimProcess;
  readonly pending: Set<(error: FleetError) => void>;
  isOver: boolean;
  /** Signals and answers come in order: none before this. */
  lastMs: number;
}

/**
 * The systemd of one machine, without processes: it reads unit files when it loads units, holds
 * them while they run or have failed, and tells of changes by signals, in order but late.
 */
export class SimSystemd {
  /** `stuck`: it takes calls and answers none. */
  mood: 'well' | 'stuck' | 'away' = 'well';
  delayMsMax = 2;
  /** From now on units run on for ever, and what they restart succeeds. */
  isCalm = false;
  readonly #parts: SimSystemdParts;
  readonly #held = new Map<UnitName, Held>();
  readonly #connections = new Set<Connection>();
  readonly #guard: SimGuard;
  #isGoingDown = false;

  constructor(parts: SimSystemdParts) {
    this.#parts = parts;
    this.#guard = new SimGuard(parts.disk, parts.clock, () => {
      for (const name of [...this.#held.keys()]) {
        if (this.#guard.isGuarded(name)) this.#beginStop(name);
      }
    });
  }

  connect(process: SimProcess, events: SystemdEvents): Promise<Systemd> {
    if (this.mood === 'away') return Promise.reject(trouble('systemd/unavailable', 'no bus'));
    const pending: Connection['pending'] = new Set();
    const connection: Connection = { events, process, pending, isOver: false, lastMs: 0 };
    this.#connections.add(connection);
    const call = <T>(run: () => T): Promise<T> => this.#call(connection, run);
    if (this.#isGoingDown) this.#tell(connection, () => events.shutdownBegan());
    const systemd: Systemd = {
      list: (names) => call(() => new Map(names.map((name) => [name, this.status(name)]))),
      linkRuntime: (paths) => call(() => this.#link(paths)),
      start: (name, signal, asked) => this.#job(connection, 'start', name, signal, asked),
      stop: (name, signal, asked) => this.#job(connection, 'stop', name, signal, asked),
      restart: (name) => call(() => this.#guard.restart(name)),
      resetFailed: (name) => call(() => this.#reset(name)),
      reload: () => call(() => this.reload()),
      failureOf: () => call(() => 'exit-code'),
      systemState: () => call(() => (this.#isGoingDown ? 'stopping' : 'running')),
      ping: () => call(() => undefined),
      close: () => this.#close(connection, trouble('systemd/unavailable', 'closed')),
    };
    return call(() => systemd);
  }

  /** A process that was killed listens no more. */
  forget(process: SimProcess): void {
    for (const connection of [...this.#connections]) {
      if (connection.process === process) {
        this.#close(connection, trouble('systemd/unavailable', 'killed'));
      }
    }
  }

  /** The bus goes away under every agent. */
  disconnectAll(): void {
    for (const connection of [...this.#connections]) {
      const error = trouble('systemd/unavailable', 'bus lost');
      const { events, process } = connection;
      this.#close(connection, error);
      process.deliver(() => events.disconnected(error));
    }
  }

  /** Reads all unit files again. */
  reload(): void {
    for (const [name, held] of this.#held) {
      held.text = this.fileText(name);
      this.#letGo(name);
    }
    for (const connection of this.#connections) {
      this.#tell(connection, () => connection.events.everythingChanged());
    }
  }

  /** `systemctl poweroff`: agents are told, then every unit is stopped. */
  shutDown(): void {
    this.#isGoingDown = true;
    for (const connection of this.#connections) {
      this.#tell(connection, () => connection.events.shutdownBegan());
    }
    for (const name of [...this.#held.keys()]) this.#beginStop(name);
  }

  /** The power is cut: nothing of it is left. */
  vanish(): void {
    for (const name of [...this.#held.keys()]) this.#drop(name);
    for (const connection of [...this.#connections]) {
      this.#close(connection, trouble('systemd/unavailable', 'gone'));
    }
    this.#guard.vanish();
    this.#isGoingDown = false;
    this.mood = 'well';
  }

  /** Units of which something runs or is about to, and the text it runs from. */
  running(): ReadonlyMap<UnitName, string> {
    const up = [...this.#held].filter(([, { active }]) => isUp(active));
    return new Map(up.map(([name, { text }]) => [name, text ?? '']));
  }

  /** Units that systemd holds in memory. */
  heldNames(): readonly UnitName[] {
    return [...this.#held.keys()];
  }

  status(name: UnitName): UnitStatus {
    const held = this.#held.get(name);
    const file = this.fileText(name);
    const text = held === undefined ? file : held.text;
    if (this.#parts.ownUnits.has(name)) return osStatus(name);
    const isBad = text !== null && behaviourOf(text).isBad;
    if (isBad && held === undefined) this.#hold(name, text);
    return {
      load: text === null ? 'not-found' : isBad ? 'bad-setting' : 'loaded',
      active: held?.active ?? 'inactive',
      sub: held?.sub ?? 'dead',
      fragmentPath: text === null ? '' : `${runtimeFolder}/${name}`,
      needReload: isBad || (held !== undefined && held.text !== null && held.text !== file),
      invocationId: held?.invocationId ?? '',
      hasJob: (held?.job ?? null) !== null,
      loadError: isBad ? 'Unit has a bad unit file setting' : '',
    };
  }

  /** What systemd would read of a unit now. */
  fileText(name: UnitName): string | null {
    return this.#parts.disk.text(`${runtimeFolder}/${name}`);
  }

  #hold(name: UnitName, text: string): Held {
    const held: Held = {
      ...{ text, active: 'inactive', sub: 'dead', invocationId: '', job: null, restartCount: 0 },
      cancel: () => undefined,
    };
    this.#held.set(name, held);
    return held;
  }

  #link(paths: readonly string[]): void {
    for (const path of paths) {
      if (this.#parts.disk.text(path) === null) {
        throw trouble('systemd/refused', `LinkUnitFiles: no file ${path}`);
      }
      this.#parts.disk.makeFolder(runtimeFolder);
      this.#parts.disk.link(path, `${runtimeFolder}/${basename(path)}`);
    }
  }

  #reset(name: UnitName): void {
    const held = this.#held.get(name);
    if (held?.active !== 'failed') return;
    this.#change(name, held, 'inactive', 'dead');
    this.#letGo(name);
  }

  /** What neither runs nor failed, and waits for nothing, is forgotten. */
  #letGo(name: UnitName): void {
    const held = this.#held.get(name);
    if (held === undefined || held.job !== null || held.active !== 'inactive') return;
    this.#held.delete(name);
  }

  #drop(name: UnitName): void {
    const held = this.#held.get(name);
    held?.cancel();
    this.#held.delete(name);
    if (held !== undefined && isUp(held.active)) this.#parts.witness.ended(name);
  }

  #job(
    connection: Connection,
    kind: 'start' | 'stop',
    name: UnitName,
    signal: AbortSignal,
    asked: (() => void) | undefined,
  ): Promise<JobResult> {
    return new Promise((resolve, reject) => {
      const { process, pending } = connection;
      const end = (run: () => void): void => {
        pending.delete(lose);
        signal.removeEventListener('abort', abort);
        process.deliver(run);
      };
      const lose = (error: FleetError): void => end(() => reject(error));
      const abort = (): void => end(() => reject(signal.reason));
      signal.addEventListener('abort', abort, { once: true });
      if (signal.aborted) return abort();
      asked?.();
      pending.add(lose);
      const done = (result: JobResult): void => {
        this.#tell(connection, () => end(() => resolve(result)));
      };
      const begin = (): void => {
        if (kind === 'stop') this.#beginStop(name, done);
        else this.#beginStart(name, done);
      };
      this.#call(connection, () => {
        if (!pending.has(lose)) return; // nobody waits any more
        if (kind === 'stop' && this.#guard.isOwn(name)) {
          this.#guard.stop(name);
          return done('done');
        }
        this.#parts.witness.asked(kind, name);
        begin();
      }).catch((error: unknown) => end(() => reject(error)));
    });
  }

  #beginStart(name: UnitName, done: (result: JobResult) => void): void {
    if (this.#isGoingDown) throw trouble('systemd/refused', 'shutdown is in progress');
    const known = this.#held.get(name);
    const text = known?.text ?? (known === undefined ? this.fileText(name) : null);
    if (text === null) throw trouble('systemd/refused', `Unit ${name} not found.`);
    const held = known ?? this.#hold(name, text);
    if (behaviourOf(text).isBad) throw trouble('systemd/refused', 'bad unit file setting');
    if (held.job?.kind === 'start') return void held.job.waiters.push(done);
    if (held.active === 'active') {
      done('done');
      return;
    }
    if (this.#guard.holdsBack(name)) {
      this.#letGo(name);
      done('done');
      return;
    }
    const wasStopping = held.job?.kind === 'stop';
    this.#endJob(held, 'canceled');
    held.job = { kind: 'start', waiters: [done] };
    held.restartCount = 0;
    // A process that ends is waited for; its end begins the start.
    if (wasStopping && held.active === 'deactivating') return;
    held.cancel();
    this.#activate(name, held, 'job');
  }

  #activate(name: UnitName, held: Held, by: 'job' | 'systemd'): void {
    const text = held.text ?? '';
    const does = behaviourOf(text);
    held.invocationId = this.#parts.random.hex(32);
    this.#parts.witness.began(name, text, by);
    this.#change(name, held, 'activating', does.isOneshot ? 'start' : 'start-pre');
    this.#later(held, does.startMs, () => {
      if (does.start === 'failed' && !this.isCalm) return this.#fail(name, held, does);
      if (does.isOneshot) return this.#finish(name, held, 'inactive', 'done');
      this.#change(name, held, 'active', 'running');
      this.#endJob(held, 'done');
      this.#change(name, held, 'active', 'running');
      if (does.lifeMs !== null) this.#later(held, does.lifeMs, () => this.#exit(name, held, does));
    });
  }

  /** It ends by itself. */
  #exit(name: UnitName, held: Held, does: Behaviour): void {
    if (this.isCalm || held.active !== 'active') return;
    if (does.exit === 'failed') this.#fail(name, held, does);
    else this.#finish(name, held, 'inactive', 'done');
  }

  #fail(name: UnitName, held: Held, does: Behaviour): void {
    const isSpent = held.restartCount >= limits.restartsMax;
    if (!does.restarts || isSpent || this.#isGoingDown) {
      this.#finish(name, held, 'failed', 'failed');
      return;
    }
    held.restartCount += 1;
    this.#endJob(held, 'failed');
    this.#change(name, held, 'activating', 'auto-restart');
    this.#later(held, limits.restartMs, () => this.#activate(name, held, 'systemd'));
  }

  #finish(name: UnitName, held: Held, active: 'inactive' | 'failed', result: JobResult): void {
    this.#parts.witness.ended(name);
    this.#change(name, held, active, active === 'failed' ? 'failed' : 'dead', result);
    this.#letGo(name);
  }

  #beginStop(name: UnitName, done: (result: JobResult) => void = () => undefined): void {
    const held = this.#held.get(name);
    if (held === undefined) {
      done('done');
      return;
    }
    if (held.job?.kind === 'stop') return void held.job.waiters.push(done);
    this.#endJob(held, 'canceled');
    if (!isUp(held.active)) {
      done('done');
      return;
    }
    held.job = { kind: 'stop', waiters: [done] };
    if (held.active === 'deactivating') return; // its end ends this job too
    const isWaiting = held.sub === 'auto-restart';
    held.cancel();
    this.#change(name, held, 'deactivating', 'stop-sigterm');
    const { stopMs } = behaviourOf(held.text ?? '');
    this.#later(held, isWaiting ? 0 : stopMs, () => this.#stopped(name, held));
  }

  #stopped(name: UnitName, held: Held): void {
    if (held.job?.kind === 'start') {
      this.#parts.witness.ended(name);
      this.#change(name, held, 'inactive', 'dead');
      held.text = this.fileText(name);
      this.#activate(name, held, 'job');
      return;
    }
    this.#finish(name, held, 'inactive', 'done');
  }

  #endJob(held: Held, result: JobResult): void {
    const { job } = held;
    held.job = null;
    for (const waiter of job?.waiters ?? []) waiter(result);
  }

  #later(held: Held, ms: number, run: () => void): void {
    held.cancel = this.#parts.clock.after(ms, run);
  }

  /** Says how a unit is now, and then, with `result`, that its job has ended. */
  #change(name: UnitName, held: Held, active: string, sub: string, result?: JobResult): void {
    const { job } = held;
    Object.assign(held, { active, sub });
    if (result !== undefined) held.job = null;
    const { invocationId } = held;
    const change: UnitChange = { active, sub, invocationId, hasJob: held.job !== null };
    for (const connection of this.#connections) {
      this.#tell(connection, () => connection.events.unitChanged(name, change));
    }
    if (result === undefined) return;
    for (const waiter of job?.waiters ?? []) waiter(result);
  }

  #call<T>(connection: Connection, run: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      const { pending, process, events } = connection;
      if (connection.isOver) return reject(trouble('systemd/unavailable', 'not connected'));
      const end = (then: () => void): void => {
        if (!pending.delete(lose)) return;
        cancel();
        process.deliver(then);
      };
      const lose = (error: FleetError): void => end(() => reject(error));
      const late = trouble('systemd/timeout', 'no answer');
      const cancel = this.#parts.clock.after(limits.busCallMsMax, () => lose(late));
      pending.add(lose);
      const answer = (): void => {
        try {
          const value = run();
          const answered = (): void => {
            events.answered();
            resolve(value);
          };
          this.#tell(connection, () => end(answered));
        } catch (error) {
          this.#tell(connection, () => end(() => reject(error)));
        }
      };
      if (this.mood === 'well') this.#parts.clock.after(this.#delayMs(), answer);
    });
  }

  /** Brings something to an agent, in order. */
  #tell(connection: Connection, run: () => void): void {
    const nowMs = this.#parts.clock.nowMs();
    connection.lastMs = Math.max(connection.lastMs, nowMs + this.#delayMs());
    this.#parts.clock.after(connection.lastMs - nowMs, () => {
      connection.process.deliver(() => {
        if (!connection.isOver) run();
      });
    });
  }

  #delayMs(): number {
    const { random } = this.#parts;
    return random.chance(0.7) ? 0 : random.between(0, this.delayMsMax);
  }

  #close(connection: Connection, error: FleetError): void {
    connection.isOver = true;
    this.#connections.delete(connection);
    for (const lose of [...connection.pending]) lose(error);
  }
}

function isUp(active: string): boolean {
  return active !== 'inactive' && active !== 'failed';
}

function osStatus(name: UnitName): UnitStatus {
  return {
    ...{ load: 'loaded', active: 'active', sub: 'running' },
    ...{ fragmentPath: `/lib/systemd/system/${name}`, needReload: false, invocationId: 'os' },
    ...{ hasJob: false, loadError: '' },
  };
}

function trouble(code: TroubleCode, message: string): FleetError {
  return new FleetError(message, { code, retry: 'soon', hint: 'This is a simulation.' });
}
