// The messages of etcd that the keeper thread exchanges, by hand: it must load nothing but built-ins.
import type { Revision } from '../model/ids.ts';
import { bytesField, intField, message, readFields } from './protobuf.ts';
import type { LeaseId, LeaseStanding, StoreHeader } from './store.ts';

/** Paths of the calls. */
export const etcdCalls = {
  keepAlive: '/etcdserverpb.Lease/LeaseKeepAlive',
  timeToLive: '/etcdserverpb.Lease/LeaseTimeToLive',
  txn: '/etcdserverpb.KV/Txn',
  authenticate: '/etcdserverpb.Auth/Authenticate',
} as const;

/** Asks for a renewal, or for how long a lease has: both messages have this form. */
export function leaseRequest(leaseId: LeaseId): Uint8Array {
  return message(intField(1, BigInt(leaseId)));
}

/** The answer to a renewal; `standing` is null when the lease is gone. */
export function readKeepAlive(bytes: Uint8Array): {
  readonly leaseId: LeaseId;
  readonly standing: LeaseStanding | null;
} {
  const fields = readFields(bytes);
  const ttlMs = Number(fields.int(3)) * 1000;
  const raftTerm = raftTermOf(fields.bytes(1));
  const header = headerOf(fields.bytes(1));
  const standing = ttlMs > 0 ? { header, remainingMs: ttlMs, grantedMs: ttlMs, raftTerm } : null;
  return { leaseId: String(fields.int(2)) as LeaseId, standing };
}

/** The answer about a lease that was not renewed; null: it is gone. */
export function readTimeToLive(bytes: Uint8Array): LeaseStanding | null {
  const fields = readFields(bytes);
  const grantedMs = Number(fields.int(4)) * 1000;
  if (grantedMs === 0) return null;
  const remainingMs = Math.max(Number(fields.int(3)) * 1000, 0);
  return { remainingMs, grantedMs, raftTerm: raftTermOf(fields.bytes(1)) };
}

/** `engine/leader` with what shows that it is ours. */
export interface Seat {
  readonly key: string;
  readonly leaseId: LeaseId;
  /** Its create revision in decimal digits; null: not known, the lease alone shows it. */
  readonly term: string | null;
}

/** A transaction that deletes `engine/leader` if it is ours. */
export function vacateRequest({ key, leaseId, term }: Seat): Uint8Array {
  const equal = intField(1, 0n);
  const [target, value] =
    term === null
      ? [intField(2, 4n), intField(8, BigInt(leaseId))]
      : [intField(2, 1n), intField(5, BigInt(term))];
  const compare = message(equal, target, bytesField(3, key), value);
  const deletion = message(bytesField(3, message(bytesField(1, key))));
  return message(bytesField(1, compare), bytesField(2, deletion));
}

/** Whether the compares of a transaction held. */
export function readSucceeded(bytes: Uint8Array): boolean {
  return readFields(bytes).int(2) === 1n;
}

/** Logs in. */
export function loginRequest(login: {
  readonly username: string;
  readonly password: string;
}): Uint8Array {
  return message(bytesField(1, login.username), bytesField(2, login.password));
}

/** The token for further calls. */
export function readToken(bytes: Uint8Array): string {
  return Buffer.from(readFields(bytes).bytes(2)).toString();
}

function raftTermOf(header: Uint8Array): string {
  return String(BigInt.asUintN(64, readFields(header).int(4)));
}

/** Its id in the decimal digits that the other connections show it in. */
function headerOf(header: Uint8Array): StoreHeader {
  const fields = readFields(header);
  const storeId = String(BigInt.asUintN(64, fields.int(1)));
  return { storeId, revision: fields.int(3) as Revision };
}
