import { systemClock } from '../lib/clock.ts';
import { keepHeapTidy, thisHeap } from '../lib/heap-tidy.ts';
import type { Result } from '../lib/result.ts';
import { handedSockets } from './activation.ts';
import type { ReadConfig } from './config.ts';
import { runDaemon } from './daemon.ts';
import type { DaemonParts } from './daemon-parts.ts';
import { configurationStatus, sayFailure } from './failure.ts';
import type { MachineIdentity } from './identity.ts';
import { leaveCluster } from './leave.ts';
import { createLog, sinkFor } from './log.ts';
import { createNotifier } from './notify.ts';
import { registryFrom } from './open-registry.ts';
import type { Settings } from './settings.ts';

// Everything that is large, bundled as a file of its own: the entry loads it once the lease of the
// process before is being renewed. What goes between the two is values and plain calls: a class in
// the one is another in the other, so errors end where they arise.

/** What the entry has made by the time that the rest of the daemon is loaded. */
export interface EarlyParts extends Omit<DaemonParts, 'registry' | 'log' | 'notifier' | 'handed'> {
  /** Never throws. */
  readonly readConfig: () => Result<ReadConfig, readonly string[]>;
}

/** Makes the parts that remain and runs the daemon to its end. Returns the exit status. */
export async function startDaemon(early: EarlyParts, signal: AbortSignal): Promise<number> {
  try {
    const { settings, identity, keeper } = early;
    const registry = registryFrom(settings, identity, keeper);
    const log = await createLog(settings.verbosity, sinkFor(process.stdout, process.env));
    const notifier = createNotifier(process.env, log);
    const handed = handedSockets(process.env, process.pid);
    for (const name of Object.keys(process.env)) {
      if (name.startsWith('LISTEN_')) delete process.env[name]; // not for our children
    }
    void keepHeapTidy(thisHeap(systemClock), systemClock, signal); // never rejects
    const end = await runDaemon({ ...early, registry, log, notifier, handed }, signal);
    return end === 'refused' ? configurationStatus : 0;
  } catch (error) {
    return sayFailure(error);
  }
}

/** `fleetd --leave`: gives the lease back if the machine shuts down. Returns the exit status. */
export async function leave(settings: Settings, identity: MachineIdentity): Promise<number> {
  try {
    const registry = registryFrom(settings, identity);
    process.stdout.write(`${await leaveCluster(registry, identity, settings.systemdUser)}\n`);
    registry.close();
    return 0;
  } catch (error) {
    return sayFailure(error);
  }
}
