import type { Result } from '../lib/result.ts';
import type { Registry } from '../registry/connect-registry.ts';
import type { KeeperThread } from '../registry/keeper-thread.ts';
import type { HandedSocket } from './activation.ts';
import type { ReadConfig } from './config.ts';
import type { MachineIdentity } from './identity.ts';
import type { DaemonLog } from './log.ts';
import type { DiskRecord } from './memory.ts';
import type { Notifier } from './notify.ts';
import type { RememberedLease } from './open-keeper.ts';
import type { OperatorSignals } from './operator-signals.ts';
import type { Places } from './places.ts';
import type { Settings } from './settings.ts';

/** What one daemon is made of. */
export interface DaemonParts {
  readonly settings: Settings;
  readonly identity: MachineIdentity;
  readonly registry: Registry;
  readonly places: Places;
  /** Renews the machine's lease. */
  readonly keeper: KeeperThread;
  /** Where the lease is remembered for the next process. */
  readonly lease: DiskRecord<RememberedLease>;
  readonly log: DaemonLog;
  readonly notifier: Notifier;
  readonly operator: OperatorSignals;
  /** Sockets from systemd. */
  readonly handed: readonly HandedSocket[];
  /** Reads the configuration as it is now. */
  readonly readConfig: () => Result<ReadConfig, readonly string[]>;
}
