// agent: makes the systemd of this machine match its orders, and reports what systemd says.
// Knows nothing of other machines, of placement or of etcd; only dbus-*.ts know D-Bus.
// Start with plan.ts (what is to be done, pure) and agent.ts (the loop around it).
import type { FleetError } from '../lib/error.ts';
import type { UnitName } from '../unitfile/unit-name.ts';

/** One unit in systemd's own words, at one moment. */
export interface UnitStatus {
  /** LoadState: `loaded`, `not-found`, `bad-setting`, `error`, `masked`, … */
  readonly load: string;
  /** ActiveState: `active`, `reloading`, `inactive`, `failed`, `activating`, `deactivating`, … */
  readonly active: string;
  /** SubState, whose words depend on the unit's type. */
  readonly sub: string;
  /** The file systemd read it from; empty for none. */
  readonly fragmentPath: string;
  /** Loaded, and its file has changed since. */
  readonly needReload: boolean;
  /** 32 hex digits, new with each start; empty before the first. */
  readonly invocationId: string;
  /** A job of this unit is queued or running. */
  readonly hasJob: boolean;
  /** Why systemd could not load it; empty when it could. */
  readonly loadError: string;
}

/** How systemd says that a job ended. */
export type JobResult =
  | 'done'
  | 'canceled'
  | 'timeout'
  | 'failed'
  | 'dependency'
  | 'skipped'
  | 'invalid'
  | 'assert'
  | 'unsupported'
  | 'collected'
  | 'once'
  | 'frozen'
  | 'concurrency';

/** What a signal says of a unit; what it leaves out has not changed. */
export type UnitChange = Partial<
  Pick<UnitStatus, 'active' | 'sub' | 'invocationId' | 'hasJob' | 'needReload'>
>;

/** What a connection to systemd tells by itself. Nothing here may throw. */
export interface SystemdEvents {
  /** A unit of this machine, ours or not, changed its state. */
  unitChanged(name: UnitName, change: UnitChange): void;
  /** systemd read all unit files again: look at everything. */
  everythingChanged(): void;
  /** The machine goes down: `shutdown.target` has a job. */
  shutdownBegan(): void;
  /** systemd answered something: the connection is alive. */
  answered(): void;
  /** The connection is over; called once, and nothing after it. */
  disconnected(error: FleetError): void;
}

/**
 * One connection to a machine's systemd. Every method throws FleetError (`systemd/unavailable`,
 * `systemd/timeout`, `systemd/refused`), never retries, and fails for good once disconnected or
 * closed. Every call has a time limit, the wait for the end of a job has none but its signal.
 */
export interface Systemd {
  /** What systemd says of these names; every one of them is in the answer. */
  list(names: readonly UnitName[]): Promise<ReadonlyMap<UnitName, UnitStatus>>;
  /** Makes unit files outside of systemd's own folders known to it until the next boot. */
  linkRuntime(paths: readonly string[]): Promise<void>;
  /**
   * Queues a start job and waits for its end, which may take as long as the unit wants. Aborting
   * ends the wait (and the turn in the queue), not a job that systemd has already. Calls `asked`
   * when its turn has come and systemd is asked; what that throws ends the wait, and nobody asks.
   */
  start(name: UnitName, signal: AbortSignal, asked?: () => void): Promise<JobResult>;
  /** As `start`, for a stop job. A unit that is not loaded is stopped: `done`. */
  stop(name: UnitName, signal: AbortSignal, asked?: () => void): Promise<JobResult>;
  /** Queues a restart job for a unit of fleetd's own, which starts it if need be; waits for no end. */
  restart(name: UnitName): Promise<void>;
  /** Forgets that a unit failed, so that systemd can unload it. */
  resetFailed(name: UnitName): Promise<void>;
  /** Reads all unit files again: costs up to a second with a thousand units loaded. */
  reload(): Promise<void>;
  /** systemd's words for why a unit failed, e.g. `exit-code`, `timeout`, and its status text. */
  failureOf(name: UnitName): Promise<string>;
  /** `starting`, `running`, `degraded`, `stopping`, … */
  systemState(): Promise<string>;
  /** One round trip to systemd itself. */
  ping(): Promise<void>;
  /** Ends the connection; no event follows. */
  close(): void;
}

/** Makes a connection; throws FleetError when there is no bus or no systemd on it. */
export type ConnectSystemd = (events: SystemdEvents) => Promise<Systemd>;
