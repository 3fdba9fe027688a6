import { type ClusterPicture, emptyPicture } from '../../src/model/cluster-picture.ts';
import type { BootId, MachineId, Revision, UnitIdentity } from '../../src/model/ids.ts';
import type { Machine } from '../../src/model/machine.ts';
import type { Order } from '../../src/model/order.ts';
import type { Placement } from '../../src/model/placement.ts';
import type { StateReport } from '../../src/model/report.ts';
import type { UnitRecord } from '../../src/model/unit.ts';
import type { Requirements } from '../../src/unitfile/requirements.ts';
import type { ContentHash, UnitHash } from '../../src/unitfile/unit-hash.ts';
import type { UnitName } from '../../src/unitfile/unit-name.ts';

/** A unit name without ceremony: `web@1` is `web@1.service`. */
export function named(name: string): UnitName {
  return (name.includes('.') ? name : `${name}.service`) as UnitName;
}

/** The id of machine number `number`: `1` is 1111…, `12` is 1212…. */
export function machineId(number: number | string): MachineId {
  return String(number).repeat(32).slice(0, 32) as MachineId;
}

/** Requirements of a unit that any machine will do for, but for what is given. */
export function requirements(some: Partial<Requirements> = {}): Requirements {
  return {
    machineId: null,
    machineOf: [],
    metadata: [],
    conflicts: [],
    replaces: [],
    global: false,
    ...some,
  };
}

/** A record's fields as tests give them: requirements flat, the rest with defaults. */
export interface UnitOptions extends Partial<Requirements> {
  readonly desired?: UnitRecord['desired'];
  readonly gone?: boolean;
  readonly restartCount?: number;
  readonly oneshot?: boolean;
  /** Identity and text of this submission; 1 unless given. */
  readonly version?: number;
}

/** A launched unit that any machine will do for, but for what is given. */
export function aUnit(name: UnitName, options: UnitOptions = {}): UnitRecord {
  const { desired, gone, restartCount, oneshot, version = 1, ...some } = options;
  return {
    identity: `${name}#${version}` as UnitIdentity,
    unitHash: `hash of ${name}#${version}` as UnitHash,
    contentHash: `text of ${name}#${version}` as ContentHash,
    desired: desired ?? 'launched',
    gone: gone ?? false,
    restartCount: restartCount ?? 0,
    oneshot: oneshot ?? false,
    requirements: requirements(some),
  };
}

/** A machine that is present. */
export function aMachine(
  id: MachineId,
  metadata: Readonly<Record<string, string>> = {},
  some: Partial<Machine> = {},
): Machine {
  return {
    id,
    bootId: `boot of ${id}` as BootId,
    address: `10.0.0.${Number.parseInt(id.slice(0, 2), 16)}`,
    version: '1.0.0',
    metadata: new Map(Object.entries(metadata)),
    leaving: false,
    ...some,
  };
}

/** A report of a unit that is as it should be, but for what is given. */
export function aReport(record: UnitRecord, some: Partial<StateReport> = {}): StateReport {
  const isLaunched = record.desired === 'launched';
  return {
    identity: record.identity,
    unitHash: record.unitHash,
    current: isLaunched ? 'launched' : 'loaded',
    load: 'loaded',
    active: isLaunched ? 'active' : 'inactive',
    sub: isLaunched ? 'running' : 'dead',
    problem: null,
    ...some,
  };
}

/** An order to launch that unit, but for what is given. */
export function anOrder(record: UnitRecord, some: Partial<Order> = {}): Order {
  const { identity, unitHash, contentHash, restartCount } = record;
  return {
    identity,
    unitHash,
    contentHash,
    want: 'launch',
    restartCount,
    after: [],
    reason: 'as a test says',
    ...some,
  };
}

/** A placement on that machine, but for what is given. */
export function aPlacement(
  record: UnitRecord,
  machine: MachineId | null,
  some: Partial<Placement> = {},
): Placement {
  return {
    machine,
    identity: record.identity,
    sinceMs: 0,
    reason: 'as a test says',
    objections: [],
    refusals: [],
    ...some,
  };
}

/** A cluster of these units and machines in which nothing was decided yet. */
export function aPicture(some: Partial<ClusterPicture> = {}): ClusterPicture {
  return { ...emptyPicture, revision: 1n as Revision, ...some };
}
