import { fail, type Result } from '../lib/result.ts';
import type { Brake } from '../model/brake.ts';
import type { CopyGuard } from '../model/hold.ts';
import type { BootId, MachineId, UnitIdentity } from '../model/ids.ts';
import type { Machine, Member } from '../model/machine.ts';
import type { Order } from '../model/order.ts';
import type { Removal } from '../model/orphan.ts';
import type { Objection, Placement } from '../model/placement.ts';
import type { OrphanMark, StateReport } from '../model/report.ts';
import type { UnitRecord } from '../model/unit.ts';
import type { PartitionStop } from '../unitfile/on-partition.ts';
import type { Requirements } from '../unitfile/requirements.ts';
import type { ContentHash, UnitHash } from '../unitfile/unit-hash.ts';
import { parseUnitName, type UnitName } from '../unitfile/unit-name.ts';
import {
  aBoolean,
  aCount,
  aString,
  aText,
  aTrue,
  type Decoder,
  decode,
  listOf,
  mapOf,
  oneOf,
  orAbsent,
  orNull,
  parse,
  record,
} from './decoder.ts';
import { hasUnknown, withUnknownOf } from './unknown-fields.ts';

/**
 * The format of what this version writes. A record that a newer format shapes otherwise is written
 * so only where the cluster's `formatNeeded` says that everybody understands it.
 */
export const formatBase = 1;

/** The newest format that this version reads. */
export const formatNow = 1;

/** `cluster`: whose store this is. */
export interface ClusterRecord {
  readonly clusterId: string;
  /** The lowest format that every daemon of the cluster has to understand. */
  readonly formatNeeded: number;
  /** Grows when an operator says that a restored store is to be followed. */
  readonly epoch: number;
}

/** `engine/leader`: who leads. */
export interface LeaderRecord {
  readonly machine: MachineId;
}

/** `unknownMetadata` is what reading finds out, not what is written. */
type StoredMachine = Omit<Machine, 'unknownMetadata'>;

/** One kind of record: how it is written and how it is read. */
export interface Codec<T> {
  /** JSON. Fields of `over`, an older text of the same record, that we do not know are kept. */
  encode(value: T, over?: string): string;
  /** Total: never throws, says what is wrong. */
  decode(text: string): Result<T, string>;
  /** As `decode`, and whether a record that was understood has fields that we do not know. */
  read(text: string): { readonly record: Result<T, string>; readonly hasMore: boolean };
}

const machineId = aText<MachineId>(/^[^/\s]+$/, 'a machine id');
const bootId = aText<BootId>(/^[^/\s]*$/, 'a boot id');
const identity = aText<UnitIdentity>(/^[^/\s]+$/, 'an identity');
const unitHash = aText<UnitHash>(/^[^/\s]+$/, 'a hash');
const contentHash = aText<ContentHash>(/^[^/\s]+$/, 'a hash');

const unitName: Decoder<UnitName> = (value, where) => {
  const name = parseUnitName(aString(value, where));
  if (!name.ok) throw new Error(`${where} is not a unit name`);
  return name.value;
};

const requirements: Decoder<Requirements> = record<Requirements>({
  machineId: orNull(aString),
  machineOf: listOf(unitName),
  metadata: listOf(record({ key: aString, values: listOf(aString) })),
  conflicts: listOf(aString),
  replaces: listOf(aString),
  global: aBoolean,
  onPartition: orAbsent(record<PartitionStop>({ stopTimeoutMs: aCount })),
});

export const unitCodec = codec<UnitRecord>(
  record<UnitRecord>({
    identity,
    unitHash,
    contentHash,
    desired: oneOf('inactive', 'loaded', 'launched'),
    gone: aBoolean,
    restartCount: aCount,
    oneshot: aBoolean,
    requirements,
  }),
);

export const orderCodec = codec<Order>(
  record<Order>({
    identity,
    unitHash,
    contentHash,
    want: oneOf('load', 'launch', 'stop', 'retire', 'gone'),
    restartCount: aCount,
    finished: orAbsent(aTrue),
    guard: orAbsent(record<CopyGuard>({ deadlineMs: aCount, stopTimeoutMs: aCount })),
    after: listOf(unitName),
    reason: aString,
  }),
);

export const reportCodec = codec<StateReport>(
  record<StateReport>({
    identity,
    unitHash,
    restartCount: orAbsent(aCount),
    current: oneOf('loaded', 'launched', 'refused', 'gone'),
    load: aString,
    active: aString,
    sub: aString,
    problem: orNull(aString),
    orphan: orAbsent(
      record<OrphanMark>({
        contentHash: aText<ContentHash>(/^\S*$/, 'a hash'),
        avoids: listOf(aString),
      }),
    ),
  }),
);

/** `removals/<machine>/<name>`. */
export const removalCodec = codec<Removal>(record<Removal>({ identity, bootId }));

export const placementCodec = codec<Placement>(
  record<Placement>({
    machine: orNull(machineId),
    identity,
    sinceMs: aCount,
    reason: aString,
    objections: listOf(
      record<Objection>({ why: aString, count: aCount, machines: listOf(machineId) }),
    ),
    refusals: listOf(record({ machine: machineId, why: aString })),
    finishedRun: orAbsent(aCount),
    refreshedMs: orAbsent(aCount),
    heldUntilMs: orAbsent(aCount),
  }),
);

export const machineCodec = codec<StoredMachine>(
  record<StoredMachine>({
    id: machineId,
    bootId,
    address: aString,
    version: aString,
    metadata: mapOf(aString),
    ttlMs: orAbsent(aCount),
    leaving: aBoolean,
    formatMax: orAbsent(aCount),
  }),
);

export const memberCodec = codec<Member>(
  record<Member>({
    id: machineId,
    bootId,
    address: aString,
    version: aString,
    firstSeenMs: aCount,
    leaving: aBoolean,
    vanishedMs: orNull(aCount),
    formatMax: orAbsent(aCount),
  }),
);

export const brakeCodec = codec<Brake>(
  record<Brake>({
    sinceMs: aCount,
    untilMs: aCount,
    isEasing: aBoolean,
    goneCount: aCount,
    ofCount: aCount,
    waiting: listOf(machineId),
    released: listOf(machineId),
  }),
);

/** `engine/resume`: the `sinceMs` of the brake that somebody wants to end. */
export const resumeCodec = codec<{ readonly sinceMs: number }>(record({ sinceMs: aCount }));

/** `forget/<machine>`: when somebody asked for it, ms since 1970. */
export const forgettingCodec = codec<{ readonly askedMs: number }>(record({ askedMs: aCount }));

export const clusterCodec = codec<ClusterRecord>(
  record<ClusterRecord>({ clusterId: aString, formatNeeded: aCount, epoch: aCount }),
);

export const leaderCodec = codec<LeaderRecord>(record<LeaderRecord>({ machine: machineId }));

/** `metadata/<machine>/<key>`: one value that was set at run time. */
export const metadataCodec = codec<{ readonly value: string }>(record({ value: aString }));

function codec<T extends object>(decoder: Decoder<T>): Codec<T> {
  const format: Decoder<number> = aCount;
  const known = { fields: { ...decoder.fields, format } };
  const head = record<{ format: number }>({ format });
  const understood = (value: unknown): Result<T, string> => {
    const begun = decode(value, head);
    if (!begun.ok) return begun;
    if (begun.value.format > formatNow) {
      return fail(`format ${begun.value.format} is newer than ${formatNow}, which we understand`);
    }
    return decode(value, decoder);
  };
  return {
    encode: (value, over) => {
      const now = { format: formatBase, ...value };
      const before = over === undefined ? null : parse(over);
      const whole = before?.ok ? withUnknownOf(now, before.value, known) : now;
      return JSON.stringify(whole, mapsAsObjects);
    },
    decode: (text) => {
      const value = parse(text);
      return value.ok ? understood(value.value) : value;
    },
    read: (text) => {
      const value = parse(text);
      if (!value.ok) return { record: value, hasMore: false };
      const found = understood(value.value);
      return { record: found, hasMore: found.ok && hasUnknown(value.value, known) };
    },
  };
}

function mapsAsObjects(_key: string, value: unknown): unknown {
  return value instanceof Map ? Object.fromEntries(value) : value;
}
