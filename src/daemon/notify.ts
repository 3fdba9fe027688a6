import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import type { Writable } from 'node:stream';
import type { Logger } from '../lib/log.ts';

/** Tells systemd how the daemon is. Does nothing when systemd did not start it. */
export interface Notifier {
  /** READY=1: the API answers, and units ordered after fleet.service may start. */
  ready(): void;
  stopping(): void;
  /** Feeds the watchdog from the caller's event loop until `stop`. */
  startWatchdog(): void;
  stop(): void;
}

type Messenger = ChildProcessByStdio<Writable, null, null>;

/** One word for systemd a line; it ends with the daemon, whose end closes its input. */
const script = 'while read -r word; do systemd-notify "$word"; done';

/**
 * Speaks through systemd-notify, since Node has no datagram sockets of its own for `$NOTIFY_SOCKET`.
 * A shell runs it: to fork it from the daemon took 30 ms each time, most of what an idle one used.
 */
export function createNotifier(
  environment: Readonly<Record<string, string | undefined>>,
  log: Logger,
): Notifier {
  const isWanted = environment['NOTIFY_SOCKET'] !== undefined;
  const watchdogMs = Number(environment['WATCHDOG_USEC'] ?? 0) / 1_000;
  let messenger: Messenger | null = null;
  let timer: NodeJS.Timeout | null = null;
  const begin = (): Messenger => {
    const child = spawn('sh', ['-c', script], { stdio: ['pipe', 'ignore', 'ignore'] });
    const lost = (error: Error | null): void => {
      if (messenger !== child) return;
      messenger = null; // the next word begins another one
      log.warn({ error: error?.message ?? 'it ended' }, 'systemd was not notified');
    };
    child.once('error', lost);
    child.once('exit', () => lost(null));
    child.stdin.on('error', lost);
    child.unref();
    (child.stdin as Socket).unref(); // a pipe is a socket to Node, whatever the type says
    return child;
  };
  const say = (...words: readonly string[]): void => {
    if (!isWanted) return;
    messenger ??= begin();
    messenger.stdin.write(words.map((word) => `${word}\n`).join(''));
  };
  return {
    ready: () => say('STATUS=working', 'READY=1'),
    stopping: () => say('STOPPING=1'),
    startWatchdog: () => {
      if (!isWanted || watchdogMs <= 0) return;
      timer = setInterval(() => say('WATCHDOG=1'), watchdogMs / 2);
      timer.unref();
    },
    stop: () => {
      if (timer !== null) clearInterval(timer);
      const child = messenger;
      messenger = null;
      child?.stdin.end();
    },
  };
}
