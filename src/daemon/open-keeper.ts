import { randomInt } from 'node:crypto';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { systemClock } from '../lib/clock.ts';
import { type KeeperCode, KeeperThread } from '../registry/keeper-thread.ts';
import { Keys } from '../registry/keys.ts';
import type { LeaseId } from '../registry/store.ts';
import { accessFrom } from './etcd-access.ts';
import { DiskRecord } from './memory.ts';
import { type Settings, wedgeMsOf } from './settings.ts';

/** The program of the keeper thread; scripts/build.ts puts it here, as one string. */
declare const FLOTILLA_KEEPER: string | undefined;

/** The thread that keeps this machine's lease, as the settings say. It starts with its first lease. */
export function keeperFrom(settings: Settings, code: KeeperCode = keeperCode()): KeeperThread {
  const { endpoints, tls, login } = accessFrom(settings);
  return new KeeperThread({
    ...{ endpoints, tls, login, code },
    firstMember: randomInt(endpoints.length),
    wedgeMs: wedgeMsOf(settings),
    leaderKey: new Keys(settings.etcdKeyPrefix).leader,
    clock: systemClock,
  });
}

/** Bundled, it is a string; run from source, a file beside this program's own. */
function keeperCode(): KeeperCode {
  if (typeof FLOTILLA_KEEPER === 'string') return { kind: 'text', text: FLOTILLA_KEEPER };
  const path = join(dirname(process.argv[1] ?? ''), '../registry/keeper-worker.ts');
  if (!existsSync(path)) throw new Error(`no keeper thread at ${path}: build fleetd first`);
  return { kind: 'file', path };
}

/** The lease of this boot, as the process that held it last left it in /run/fleet. */
export interface RememberedLease {
  readonly leaseId: LeaseId;
  readonly ttlMs: number;
  readonly bootId: string;
}

/** What was remembered of the lease in that folder. */
export function leaseRecord(runFolder: string): DiskRecord<RememberedLease> {
  return new DiskRecord(join(runFolder, 'lease.json'), decodeLease);
}

function decodeLease(value: unknown): RememberedLease | null {
  if (typeof value !== 'object' || value === null) return null;
  const { leaseId, ttlMs, bootId } = value as Partial<RememberedLease>;
  if (typeof leaseId !== 'string' || !/^\d{1,19}$/.test(leaseId)) return null;
  if (typeof ttlMs !== 'number' || !(ttlMs > 0) || typeof bootId !== 'string') return null;
  return { leaseId, ttlMs, bootId };
}

/**
 * Renews the lease of the process before, while this one still loads: on a busy machine its TTL is
 * soon over. Joining the cluster then looks whether it may be taken up. Call with the lock held.
 */
export function renewEarly(
  keeper: KeeperThread,
  record: DiskRecord<RememberedLease>,
  bootId: string,
): void {
  const known = record.read();
  if (known === null || known.bootId !== bootId) return;
  keeper.resume(known, {
    answered: () => undefined, // nobody holds it yet
    failed: () => undefined, // joining meets the same trouble and tells it
    gone: () => undefined, // joining gets another one
  });
}
