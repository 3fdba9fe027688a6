import { handedSockets } from './activation.ts';
import { type DaemonEnd, runDaemon } from './daemon.ts';
import type { DaemonParts } from './daemon-parts.ts';
import { createLog, sinkFor } from './log.ts';
import { createNotifier } from './notify.ts';
import { registryFrom } from './open-registry.ts';

/** What the entry has made by the time that the rest of the daemon is loaded. */
export type EarlyParts = Omit<DaemonParts, 'registry' | 'log' | 'notifier' | 'handed'>;

/** Makes the parts that remain and runs the daemon; ends and rejects as `runDaemon` does. */
export async function startDaemon(early: EarlyParts, signal: AbortSignal): Promise<DaemonEnd> {
  const { settings, identity, keeper } = early;
  const registry = registryFrom(settings, identity, keeper);
  const log = await createLog(settings.verbosity, sinkFor(process.stdout, process.env));
  const notifier = createNotifier(process.env, log);
  const handed = handedSockets(process.env, process.pid);
  for (const name of Object.keys(process.env)) {
    if (name.startsWith('LISTEN_')) delete process.env[name]; // not for our children
  }
  return await runDaemon({ ...early, registry, log, notifier, handed }, signal);
}
