import { mkdirSync } from 'node:fs';
import type { DiskSource } from './disk.ts';
import { makeDisk } from './disk.ts';
import type { LabContext } from './lab.ts';
import { withLock } from './lock.ts';
import { labLimits, labsFolder } from './names.ts';
import { newMachine, powerOn } from './power-on.ts';
import { copyPrograms, findCheckout, hasFleetd } from './programs.ts';
import { etcdHealthy, machineBooted, machinesListed } from './ready.ts';
import type { EtcdPlace, LabRecord, MachineRecord } from './record.ts';
import { claimLab, currentBootId, readRecord, writeRecord } from './record.ts';
import { requireComputer, requireRoot } from './requirements.ts';
import type { LabStatus } from './status.ts';
import { labStatus } from './status.ts';
import { readHostSystem } from './system-units.ts';
import { labFailed } from './trouble.ts';
import { throwIfInterrupted } from './until.ts';

/** What lab to make. Left out: three machines, TTL 3 s, an etcd member on each, no metadata. */
export interface UpOptions {
  /** 0 to 50; 0: a lab for bare machines. */
  readonly machineCount?: number;
  /** As fleet.conf has it, such as `3s`. */
  readonly agentTtl?: string;
  readonly etcd?: EtcdPlace;
  /** By machine name, each `key=value,key=value`. */
  readonly metadata?: ReadonlyMap<string, string>;
  /** Gives each machine a disk of its own of that size, which can be full; as mount(8) reads it. */
  readonly diskSize?: string;
}

/** How `upLab` ended: it made a lab, or found that one is up. */
export interface UpOutcome {
  readonly outcome: 'made' | 'already-up';
  readonly status: LabStatus;
}

/**
 * Boots a lab and returns when every machine's systemd runs, etcd is healthy and every fleetd lists
 * all machines. A lab that is up already is left as it is. After a failure, or when `signal`
 * aborts, `downLab` removes what was made.
 */
export function upLab(context: LabContext, options: UpOptions = {}): Promise<UpOutcome> {
  requireRoot('up');
  return withLock({ lab: context.lab, purpose: 'up' }, context.say, async () => {
    const known = readRecord(context.lab);
    if (known === null) {
      await makeLab(context, options);
      return { outcome: 'made', status: await labStatus(context.lab) };
    }
    if (known.phase === 'partial') {
      throw labFailed(
        `an interrupted 'up' or 'down' has left parts of lab '${context.lab}'`,
        "'fleetlab down' removes them, then try again",
      );
    }
    return { outcome: 'already-up', status: await labStatus(context.lab) };
  });
}

async function makeLab(context: LabContext, options: UpOptions): Promise<void> {
  const checkout = findCheckout();
  mkdirSync(labsFolder, { recursive: true, mode: 0o700 });
  requireComputer(labsFolder);
  // Two labs that come up at once must not take one index.
  const claim = { lab: '', purpose: 'up' };
  const index = await withLock(claim, context.say, async () => claimLab(context.lab));
  const record = plan(context, options, index);
  writeRecord(record);
  context.say(`making ${record.machines.length} machines, etcd ${record.etcd}`);
  copyPrograms(checkout, record.name);
  const source = { checkout, host: readHostSystem() };
  for (const machine of record.machines) await startNew(context, record, machine, source);
  await allReady(context, record, hasFleetd(checkout));
  record.phase = 'up';
  writeRecord(record);
}

function plan(context: LabContext, options: UpOptions, index: number): LabRecord {
  const machineCount = options.machineCount ?? 3;
  const memberMin = labLimits.etcdMemberCount;
  const wanted = options.etcd ?? 'per-machine';
  const etcd = machineCount > 0 && machineCount < memberMin ? 'shared' : wanted;
  if (etcd !== wanted) {
    context.say(`fewer than ${memberMin} machines: one shared etcd on this computer`);
  }
  const machines = Array.from({ length: machineCount }, (_none, position) => {
    const hasEtcd = etcd === 'per-machine' && position < memberMin;
    const metadata = options.metadata?.get(`m${position + 1}`) ?? '';
    return newMachine(position + 1, hasEtcd, metadata, options.diskSize);
  });
  return {
    format: 1,
    name: context.lab,
    index,
    bootId: currentBootId(),
    phase: 'partial',
    agentTtl: options.agentTtl ?? '3s',
    etcd,
    etcdProcess: null,
    machines,
  };
}

async function startNew(
  context: LabContext,
  record: LabRecord,
  machine: MachineRecord,
  source: DiskSource,
): Promise<void> {
  throwIfInterrupted(context.signal);
  await makeDisk(record, machine, source);
  await powerOn(record, machine);
  context.say(`${machine.name} started`);
}

async function allReady(context: LabContext, record: LabRecord, hasDaemon: boolean): Promise<void> {
  const { say, signal } = context;
  if (record.machines.length === 0) return say("no machines yet: 'fleetlab add --cloud-config'");
  await Promise.all(
    record.machines.map(async (machine) => {
      say(`${machine.name}: systemd ${await machineBooted(record, machine, signal)}`);
    }),
  );
  await etcdHealthy(record, signal);
  say('etcd healthy');
  if (!hasDaemon) return say('fleetd is not built: the machines run without it');
  await Promise.all(
    record.machines.map((machine) => machinesListed(record, machine, record.machines, signal)),
  );
  say(`every fleetd lists all ${record.machines.length} machines`);
}
