import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../lib/error.ts';
import { defaultLabName, labLimits, labsFolder } from './names.ts';
import type { ProcessIdentity } from './process-table.ts';
import { labFailed, labUnsuitable } from './trouble.ts';

/** Where the etcd of a lab runs: on the first three machines, or once on the computer itself. */
export type EtcdPlace = 'per-machine' | 'shared';

/** From what a machine is cut off. */
export type CutFrom = 'all' | 'etcd' | 'machines';

/** Which packets of a machine do not pass: those it sends, those it is sent, or both. */
export type CutDirection = 'both' | 'in' | 'out';

/** How a machine is cut off. */
export interface Cut {
  readonly from: CutFrom;
  readonly direction: CutDirection;
  /** Are packets refused (a reset for TCP) rather than dropped? */
  readonly isRefused: boolean;
}

/** What a lab remembers of one machine. */
export interface MachineRecord {
  readonly name: string;
  readonly number: number;
  /** Its /etc/machine-id. */
  readonly id: string;
  /** As in fleet.conf: `key=value,key=value`. */
  readonly metadata: string;
  readonly hasEtcd: boolean;
  /** What was last asked of it; whether it runs is asked of the kernel. */
  power: 'on' | 'off' | 'killed';
  /** Its systemd-nspawn, once started. */
  process: ProcessIdentity | null;
  /** How large its disk is, as mount(8) reads sizes; without it, the disk is this computer's. */
  readonly diskSize?: string;
  /** It began with nothing of ours: what it has, it has from its cloud-config. */
  readonly isBare?: true;
  /** The names of the faults it has, oldest first. */
  faults?: string[];
  /** From what it is cut off, when not from everything. */
  cut?: Cut;
}

/** What a lab remembers. Written before anything that it names is made. */
export interface LabRecord {
  readonly format: 1;
  readonly name: string;
  /** Part of the name of everything the lab makes, and of its addresses. */
  readonly index: number;
  /** The boot of the computer during which this was written; no process outlives it. */
  bootId: string;
  /** `partial` until `up` has succeeded, and again from the first step of `down`. */
  phase: 'partial' | 'up';
  readonly agentTtl: string;
  readonly etcd: EtcdPlace;
  /** The shared etcd, once started. */
  etcdProcess: ProcessIdentity | null;
  machines: MachineRecord[];
}

/** The folder of a lab. */
export function labFolder(lab: string): string {
  return join(labsFolder, lab);
}

/** The folder of one of its machines: upper, work, root, console.log. */
export function machineFolder(lab: string, machine: string): string {
  return join(labFolder(lab), 'machines', machine);
}

/** What is known of a lab; null when there is none. */
export function readRecord(lab: string): LabRecord | null {
  const path = recordPath(lab);
  if (!existsSync(path)) return null;
  try {
    const record = JSON.parse(readFileSync(path, 'utf8')) as LabRecord;
    if (record.format === 1 && Array.isArray(record.machines)) return inThisBoot(record);
    throw new Error(`format ${String(record.format)} is not known`);
  } catch (error) {
    throw labFailed(
      `${path} cannot be read: ${messageOf(error)}`,
      `'fleetlab --lab ${lab} down' removes that lab`,
      error,
    );
  }
}

/** As `readRecord`, for commands that need a lab that is up. */
export function readLab(lab: string): LabRecord {
  const record = readRecord(lab);
  if (record === null) throw labFailed(`no lab '${lab}' is up`, "'fleetlab up' makes one");
  return record;
}

/** The boot of the computer that runs now. */
export function currentBootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}

/** Writes the record whole or not at all. */
export function writeRecord(record: LabRecord): void {
  const path = recordPath(record.name);
  const text = `${JSON.stringify(record, null, 2)}\n`;
  writeFileSync(`${path}.new`, text, { mode: 0o600, flush: true });
  renameSync(`${path}.new`, path);
}

/** Makes the lab's folder and notes there, before anything else, which index it takes. */
export function claimLab(lab: string): number {
  mkdirSync(labsFolder, { recursive: true, mode: 0o700 });
  const known = claimedIndex(lab);
  if (known !== null) return known;
  const taken = new Set(knownLabs().map(claimedIndex));
  const index = indexes(lab).find((candidate) => !taken.has(candidate));
  if (index === undefined) {
    throw labUnsuitable('there are too many labs', "take one down: 'fleetlab --lab NAME down'");
  }
  mkdirSync(labFolder(lab), { recursive: true, mode: 0o700 });
  writeFileSync(join(labFolder(lab), 'index'), `${index}\n`, { flush: true });
  return index;
}

/** The index that a lab holds; null when it holds none. */
export function claimedIndex(lab: string): number | null {
  const path = join(labFolder(lab), 'index');
  if (!existsSync(path)) return null;
  const text = readFileSync(path, 'utf8').trim();
  return /^\d{1,2}$/.test(text) ? Number(text) : null;
}

/** The names of all labs of this computer. */
export function knownLabs(): readonly string[] {
  return existsSync(labsFolder) ? readdirSync(labsFolder) : [];
}

/** The machine of that name; throws `lab/failed` when there is none. */
export function machineNamed(record: LabRecord, name: string): MachineRecord {
  const machine = record.machines.find((candidate) => candidate.name === name);
  if (machine !== undefined) return machine;
  const names = record.machines.map((known) => known.name).join(', ');
  throw labFailed(`lab '${record.name}' has no machine '${name}'`, `it has ${names || 'none yet'}`);
}

/** After a restart of the computer no machine runs, whoever has its process number now. */
function inThisBoot(record: LabRecord): LabRecord {
  const bootId = currentBootId();
  if (record.bootId === bootId) return record;
  const machines = record.machines.map((machine) => ({ ...machine, process: null }));
  return { ...record, bootId, machines, etcdProcess: null };
}

/** The lab that nobody named has index 0; the others share the rest. */
function indexes(lab: string): readonly number[] {
  if (lab === defaultLabName) return [0];
  return Array.from({ length: labLimits.labCountMax - 1 }, (_none, position) => position + 1);
}

function recordPath(lab: string): string {
  return join(labFolder(lab), 'lab.json');
}
