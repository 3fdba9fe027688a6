// drill: starts units on real machines, kills one, and shows what happened and when.
// Sees the cluster from outside: through fleetctl's API, etcd's watch and each machine's systemd.
// Start with drill.ts; timeline.ts and verdict.ts are the pure parts.
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** One change of a key, seen at `atMs` (monotonic). */
export interface StoreEvent {
  readonly atMs: number;
  /** Without the prefix, e.g. `placement/web@1.service`. */
  readonly key: string;
  /** null: the key was deleted or its lease expired. */
  readonly value: string | null;
}

/** Watches everything the cluster writes, as an independent witness. */
export interface StoreWatch {
  readonly events: readonly StoreEvent[];
  /** Resolves with the first event, past or to come, that `test` accepts; null after `limitMs`. */
  until(test: (event: StoreEvent) => boolean, limitMs: number): Promise<StoreEvent | null>;
  stop(): void;
}

/** Starts `etcdctl watch` on the prefix; `endpoints` as etcdctl takes them. */
export function watchStore(endpoints: string, prefix: string): StoreWatch {
  const child = spawn('etcdctl', ['watch', '--prefix', prefix, '-w', 'json'], {
    env: { ...process.env, ETCDCTL_API: '3', ETCDCTL_ENDPOINTS: endpoints },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const events: StoreEvent[] = [];
  const listeners = new Set<() => void>();
  createInterface({ input: child.stdout }).on('line', (line) => {
    events.push(...eventsIn(line, prefix, performance.now()));
    for (const listener of [...listeners]) listener();
  });
  return {
    events,
    until: (test, limitMs) => firstMatch(events, listeners, test, limitMs),
    stop: () => stopChild(child),
  };
}

/** The events of one line of `etcdctl watch -w json`; an unreadable line holds none. */
export function eventsIn(line: string, prefix: string, atMs: number): StoreEvent[] {
  const parsed = parseLine(line);
  return parsed.flatMap((event) => {
    const key = fromBase64(event.kv?.key);
    if (!key.startsWith(prefix)) return [];
    const isDelete = event.type === 1;
    return [
      { atMs, key: key.slice(prefix.length), value: isDelete ? null : fromBase64(event.kv?.value) },
    ];
  });
}

interface RawEvent {
  readonly type?: number;
  readonly kv?: { readonly key?: string; readonly value?: string };
}

function parseLine(line: string): readonly RawEvent[] {
  try {
    const parsed = JSON.parse(line) as { readonly Events?: readonly RawEvent[] };
    return parsed.Events ?? [];
  } catch (error) {
    if (error instanceof SyntaxError) return [];
    throw error;
  }
}

function fromBase64(text: string | undefined): string {
  return Buffer.from(text ?? '', 'base64').toString('utf8');
}

function firstMatch(
  events: readonly StoreEvent[],
  listeners: Set<() => void>,
  test: (event: StoreEvent) => boolean,
  limitMs: number,
): Promise<StoreEvent | null> {
  return new Promise((resolve) => {
    let seenCount = 0;
    const end = (found: StoreEvent | null): void => {
      clearTimeout(timer);
      listeners.delete(look);
      resolve(found);
    };
    const look = (): void => {
      const found = events.slice(seenCount).find(test);
      seenCount = events.length;
      if (found !== undefined) end(found);
    };
    const timer = setTimeout(() => end(null), limitMs);
    listeners.add(look);
    look();
  });
}

function stopChild(child: ChildProcess): void {
  child.kill('SIGTERM');
}
