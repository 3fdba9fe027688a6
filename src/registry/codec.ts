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
  /** Whether a record that was understood has fields that we do not know. */
  hasMore(text: string): boolean;
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
  return {
    encode: (value, over) => {
      const now = { format: formatBase, ...value };
      return JSON.stringify(withUnknownOf(now, parsed(over), known), mapsAsObjects);
    },
    decode: (text) => {
      const head = decode(text, record<{ format: number }>({ format }));
      if (!head.ok) return head;
      if (head.value.format > formatNow) {
        return fail(`format ${head.value.format} is newer than ${formatNow}, which we understand`);
      }
      return decode(text, decoder);
    },
    hasMore: (text) => hasUnknown(parsed(text), known),
  };
}

/** null: there is nothing, or nothing that can be read. */
function parsed(text: string | undefined): unknown {
  if (text === undefined) return null;
  const value = decode(text, (item) => item);
  return value.ok ? value.value : null;
}

function mapsAsObjects(_key: string, value: unknown): unknown {
  return value instanceof Map ? Object.fromEntries(value) : value;
}
