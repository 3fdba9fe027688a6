// model: the words and rules that engine, agent, registry and API share.
// Pure values and pure functions: no clock, no I/O, nothing of etcd, D-Bus or HTTP.
// Start with cluster-picture.ts: everything the leader decides on, at one revision.
import type { Brand } from '../lib/brand.ts';

/** 32 lower-case hex digits, as in /etc/machine-id. */
export type MachineId = Brand<string, 'MachineId'>;

/** One boot of one machine, from /proc/sys/kernel/random/boot_id. */
export type BootId = Brand<string, 'BootId'>;

/** One submission of a unit, a random UUID: destroyed and submitted again is another unit. */
export type UnitIdentity = Brand<string, 'UnitIdentity'>;

/** A revision of the store; etcd counts in int64. */
export type Revision = Brand<bigint, 'Revision'>;

/** The first eight characters: how tables, reasons and MachineID= may name a machine. */
export function shortId(machine: MachineId): string {
  return machine.slice(0, 8);
}
