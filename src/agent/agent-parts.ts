import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';
import type { Wake } from '../lib/wake.ts';
import type { BootId } from '../model/ids.ts';
import type { AgentLedger } from '../model/ledger.ts';
import type { AgentMeter } from '../model/meters.ts';
import type { UnitName } from '../unitfile/unit-name.ts';
import type { Disk } from './disk.ts';
import type { ExplainLoad } from './failure-words.ts';
import type { AgentPaths, UnitFiles } from './files.ts';
import type { LeaseAge } from './lease-age.ts';
import type { LeaseBeat, PartitionGuard } from './partition-guard.ts';
import type { Reporter } from './reporter.ts';
import type { Retry } from './retry.ts';
import type { ConnectSystemd } from './systemd.ts';

/** What the agent of one machine works with. */
export interface AgentOptions {
  readonly connect: ConnectSystemd;
  readonly ledger: AgentLedger;
  readonly clock: Clock;
  readonly log: Logger;
  readonly paths: AgentPaths;
  /** Where those paths lead; this machine's own file system when left out. */
  readonly disk?: Disk;
  readonly bootId: BootId;
  /** The machine began to shut down. Called at most once for each connection to systemd. */
  readonly onShutdown: () => void;
  /** systemd answered a call: at least every `pingMs` while it is well. */
  readonly onAnswer?: () => void;
  /** Between two round trips on an idle connection; `agentLimits.pingMs` when left out. */
  readonly pingMs?: number;
  /** Hands over what to call when the store may have lost our reports, e.g. with another lease. */
  readonly onReportsDoubted?: (doubt: () => void) => void;
  /** Why systemd cannot use a unit's file; without it, only that it cannot. */
  readonly explainLoad?: ExplainLoad;
  readonly meter?: AgentMeter;
  /** The lease of this machine; without one no unit with `OnPartition=stop` starts. */
  readonly lease?: LeaseBeat;
  /** Milliseconds since the machine booted, suspended or not; needed with `lease`. */
  readonly uptimeMs?: () => number;
}

/** What outlives a connection to systemd. */
export interface AgentMemory {
  readonly files: UnitFiles;
  readonly reporter: Reporter;
  readonly retries: Map<UnitName, Retry>;
  readonly guard: PartitionGuard;
  readonly leaseAge: LeaseAge;
  /** Look again: an order, a signal, the end of a job. */
  readonly wake: Wake;
}
