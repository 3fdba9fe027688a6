import { spawn } from 'node:child_process';
import type { Logger } from '../lib/log.ts';

/** Tells systemd how the daemon is. Does nothing when systemd did not start it. */
export interface Notifier {
  /** READY=1: units ordered after fleet.service may start. */
  ready(): void;
  stopping(): void;
  /** Feeds the watchdog from the caller's event loop until `stop`. */
  startWatchdog(): void;
  stop(): void;
}

/**
 * Speaks through systemd-notify, since Node has no datagram sockets of its own for `$NOTIFY_SOCKET`.
 * Some milliseconds each, twice within `WatchdogSec=`.
 */
export function createNotifier(
  environment: Readonly<Record<string, string | undefined>>,
  log: Logger,
): Notifier {
  const isWanted = environment['NOTIFY_SOCKET'] !== undefined;
  const watchdogMs = Number(environment['WATCHDOG_USEC'] ?? 0) / 1_000;
  let timer: NodeJS.Timeout | null = null;
  const say = (...words: readonly string[]): void => {
    if (!isWanted) return;
    const child = spawn('systemd-notify', words, { stdio: 'ignore' });
    child.on('error', (error) => log.warn({ error: error.message }, 'systemd was not notified'));
  };
  return {
    ready: () => say('--ready', '--status=working'),
    stopping: () => say('STOPPING=1'),
    startWatchdog: () => {
      if (!isWanted || watchdogMs <= 0) return;
      timer = setInterval(() => say('WATCHDOG=1'), watchdogMs / 2);
      timer.unref();
    },
    stop: () => {
      if (timer !== null) clearInterval(timer);
    },
  };
}
