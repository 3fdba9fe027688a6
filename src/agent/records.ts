import type { BootId, UnitIdentity } from '../model/ids.ts';
import type { Order } from '../model/order.ts';
import type { ContentHash, UnitHash } from '../unitfile/unit-hash.ts';
import type { UnitName } from '../unitfile/unit-name.ts';

/** Whose text a unit file holds: `/run/fleet/loaded/<name>.json`. */
export interface LoadedRecord {
  readonly name: UnitName;
  readonly identity: UnitIdentity;
  readonly unitHash: UnitHash;
  /** Of the text it was written for; another hash on disk means that it describes nothing. */
  readonly contentHash: ContentHash;
  /** It has `OnPartition=stop`. */
  readonly isGuarded?: boolean;
}

/**
 * A unit's start job ended well: `/run/fleet/receipts/<name>.json`. Being started is a receipt and
 * not a state, since a finished oneshot and one that never ran look alike to systemd. It is gone
 * after a reboot, as the process is.
 */
export interface Receipt {
  readonly name: UnitName;
  readonly identity: UnitIdentity;
  readonly unitHash: UnitHash;
  readonly restartCount: number;
  readonly bootId: BootId;
  /** systemd's InvocationID when the job had ended; empty when it was not known any more. */
  readonly invocationId: string;
}

/** Links made for a unit's `[Install]` section: `/run/fleet/installs/<name>.json`. */
export interface InstalledRecord {
  readonly name: UnitName;
  /** Of the text that asked for them. */
  readonly contentHash: ContentHash;
  /** Below systemd's folder of run-time units. */
  readonly links: readonly string[];
  /** systemd has read its unit files since. */
  readonly isDone: boolean;
}

/** The record that goes with an order's text. */
export function loadedRecord(name: UnitName, order: Order): LoadedRecord {
  const { identity, unitHash, contentHash } = order;
  const guarded = order.guard === undefined ? {} : { isGuarded: true };
  return { name, identity, unitHash, contentHash, ...guarded };
}

/** Reads what `JSON.stringify` wrote; null for anything else. */
export function decodeLoaded(text: string): LoadedRecord | null {
  const record = parseObject(text);
  const isWhole = hasTexts(record, ['name', 'identity', 'unitHash', 'contentHash']);
  return isWhole ? (record as unknown as LoadedRecord) : null;
}

/** Reads what `JSON.stringify` wrote; null for anything else. */
export function decodeReceipt(text: string): Receipt | null {
  const record = parseObject(text);
  const isWhole =
    hasTexts(record, ['name', 'identity', 'unitHash', 'bootId', 'invocationId']) &&
    Number.isSafeInteger(record['restartCount']);
  return isWhole ? (record as unknown as Receipt) : null;
}

/** Reads what `JSON.stringify` wrote; null for anything else. */
export function decodeInstalled(text: string): InstalledRecord | null {
  const record = parseObject(text);
  const links = record['links'];
  const isWhole =
    hasTexts(record, ['name', 'contentHash']) &&
    typeof record['isDone'] === 'boolean' &&
    Array.isArray(links) &&
    links.every((link) => typeof link === 'string');
  return isWhole ? (record as unknown as InstalledRecord) : null;
}

function parseObject(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {}; // half a record is no record: its unit counts as unknown
  }
}

function hasTexts(record: Readonly<Record<string, unknown>>, keys: readonly string[]): boolean {
  return keys.every((key) => typeof record[key] === 'string');
}
