// drill: starts units on real machines, kills one, and shows what happened and when.
// Sees the cluster from outside: through fleetctl's API, etcd's watch and each machine's systemd.
// Start with drill.ts; timeline.ts and verdict.ts are the pure parts.
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { systemClock } from '../../lib/clock.ts';
import { run, runOk } from '../run.ts';
import { labFailed } from '../trouble.ts';

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
  /**
   * Resolves with the first event, past or to come, that `test` accepts; null after `limitMs`, or
   * when `signal` aborts.
   */
  until(
    test: (event: StoreEvent) => boolean,
    limitMs: number,
    signal?: AbortSignal,
  ): Promise<StoreEvent | null>;
  stop(): void;
}

/** Where a cluster lies in etcd unless its fleet.conf says otherwise. */
const prefix = '/_coreos.com/fleet/';

/** The id of the machine that leads, from etcd; null when none does. */
export async function leaderOf(endpoints: string): Promise<string | null> {
  const key = `${prefix}engine/leader`;
  const value = await runOk(etcdctl(endpoints, ['get', '--print-value-only', key]));
  if (value.trim() === '') return null;
  const { machine } = JSON.parse(value) as { readonly machine?: string };
  return machine ?? null;
}

/**
 * etcd's raft term: it grows when etcd changes its own leader, which extends every lease. 0 when no
 * member answers.
 */
export async function raftTermOf(endpoints: string): Promise<number> {
  const { stdout } = await run(etcdctl(endpoints, ['endpoint', 'status', '-w', 'json']));
  if (stdout.trim() === '') return 0;
  const answers = JSON.parse(stdout) as readonly {
    readonly Status?: { readonly raftTerm?: number };
  }[];
  return Math.max(0, ...answers.map(({ Status }) => Status?.raftTerm ?? 0));
}

/**
 * Watches the cluster from the revision that etcd has now, so that nothing is missed however long
 * `etcdctl watch` takes to begin. `endpoints` as etcdctl takes them.
 */
export async function watchStore(endpoints: string): Promise<StoreWatch> {
  const from = await nextRevision(endpoints);
  const [program = '', ...args] = etcdctl(endpoints, [
    ...['watch', '--prefix', prefix, '-w', 'json'],
    `--rev=${from}`,
  ]);
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  const events: StoreEvent[] = [];
  const listeners = new Set<() => void>();
  createInterface({ input: child.stdout }).on('line', (line) => {
    events.push(...eventsIn(line, systemClock.nowMs()));
    for (const listener of [...listeners]) listener();
  });
  return {
    events,
    until: (test, limitMs, signal) => firstMatch({ events, listeners }, test, limitMs, signal),
    stop: () => stopChild(child),
  };
}

/** The events of one line of `etcdctl watch -w json`; an unreadable line holds none. */
export function eventsIn(line: string, atMs: number): StoreEvent[] {
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

async function nextRevision(endpoints: string): Promise<number> {
  const answer = await runOk(etcdctl(endpoints, ['get', prefix, '-w', 'json']));
  const { header } = JSON.parse(answer) as { readonly header?: { readonly revision?: number } };
  if (header?.revision !== undefined) return header.revision + 1;
  throw labFailed('etcdctl told no revision', `see 'etcdctl get ${prefix} -w json'`);
}

function etcdctl(endpoints: string, args: readonly string[]): readonly string[] {
  return ['env', 'ETCDCTL_API=3', `ETCDCTL_ENDPOINTS=${endpoints}`, 'etcdctl', ...args];
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

/** What was seen, and whom to tell when there is more. */
interface Feed {
  readonly events: readonly StoreEvent[];
  readonly listeners: Set<() => void>;
}

function firstMatch(
  { events, listeners }: Feed,
  test: (event: StoreEvent) => boolean,
  limitMs: number,
  signal?: AbortSignal,
): Promise<StoreEvent | null> {
  return new Promise((resolve) => {
    let seenCount = 0;
    const end = (found: StoreEvent | null): void => {
      clearTimeout(timer);
      listeners.delete(look);
      signal?.removeEventListener('abort', give);
      resolve(found);
    };
    const give = (): void => end(null);
    const look = (): void => {
      const found = events.slice(seenCount).find(test);
      seenCount = events.length;
      if (found !== undefined) end(found);
    };
    const timer = setTimeout(give, limitMs);
    signal?.addEventListener('abort', give, { once: true });
    listeners.add(look);
    look();
    if (signal?.aborted === true) give();
  });
}

function stopChild(child: ChildProcess): void {
  child.kill('SIGTERM');
}
