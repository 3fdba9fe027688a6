import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { FleetError } from '../lib/error.ts';
import { fail, ok } from '../lib/result.ts';
import { groupsOf, processesIn, removeGroups, removeTopGroups } from './cgroup.ts';
import { removeMemoryGroups } from './faults/memory.ts';
import type { LabContext } from './lab.ts';
import { withLock } from './lock.ts';
import { labMark } from './machine-process.ts';
import { defaultLabName, labsFolder } from './names.ts';
import { networkLeftovers, removeNetwork } from './network.ts';
import { initBelow, processesWithVariable, sendSignal } from './process-table.ts';
import { claimedIndex, labFolder, readRecord, writeRecord } from './record.ts';
import { requireRoot } from './requirements.ts';
import { run, runOk } from './run.ts';
import { until } from './until.ts';

const limits = { orderlyMs: 5_000, deathMs: 15_000 } as const;

/** What of a lab was found, and is gone now. */
export interface DownOutcome {
  readonly processCount: number;
  readonly linkCount: number;
  readonly hadFolder: boolean;
}

/**
 * Removes all of a lab: processes, network, control groups, mounts, files. It goes by what it finds
 * and not only by what was recorded, so it works after an `up` that ended anywhere.
 */
export function downLab(context: LabContext): Promise<DownOutcome> {
  requireRoot('down');
  return withLock({ lab: context.lab, purpose: 'down' }, context.say, async () => {
    const index = claimedIndex(context.lab) ?? (context.lab === defaultLabName ? 0 : null);
    markPartial(context.lab);
    const processCount = await endProcesses(context.lab);
    const linkCount = index === null ? 0 : await endNetwork(index);
    const hadFolder = await removeFiles(context.lab);
    return { processCount, linkCount, hadFolder };
  });
}

/** Was there anything? */
export function wasSomething(outcome: DownOutcome): boolean {
  return outcome.processCount + outcome.linkCount > 0 || outcome.hadFolder;
}

/** From here on the lab is not whole, should this command end early. */
function markPartial(lab: string): void {
  try {
    const record = readRecord(lab);
    if (record !== null) writeRecord({ ...record, phase: 'partial' });
  } catch (error) {
    // An unreadable record is one of the things to remove.
    if (!(error instanceof FleetError)) throw error;
  }
}

async function endProcesses(lab: string): Promise<number> {
  const groups = groupsOf(lab);
  const left = (): readonly number[] => [
    ...new Set([...processesIn(groups), ...processesWithVariable(labMark(lab))]),
  ];
  const found = left();
  // A machine ends with its PID 1. Who entered it from outside ends by himself then.
  const orderlyUntilMs = performance.now() + limits.orderlyMs;
  await until({ what: 'all processes of the lab ended', timeoutMs: limits.deathMs }, () => {
    const pids = left();
    const inits = pids.map(initBelow).filter((pid) => pid !== null);
    const isOrderly = inits.length > 0 && performance.now() < orderlyUntilMs;
    for (const pid of isOrderly ? inits : pids) sendSignal(pid, 'SIGKILL');
    if (pids.length > 0) return fail(`${pids.length} run, among them ${pids[0]}`);
    return removeGroups(groups) ? ok(null) : fail('a control group is still in use');
  });
  removeMemoryGroups(lab);
  removeTopGroups();
  return found.length;
}

async function endNetwork(labIndex: number): Promise<number> {
  const { links, namespaces } = networkLeftovers(labIndex);
  await removeNetwork(labIndex);
  return links.length + namespaces.length;
}

async function removeFiles(lab: string): Promise<boolean> {
  const folder = labFolder(lab);
  const hadFolder = existsSync(folder);
  for (const path of mountsBelow(folder)) await run(['umount', '--lazy', path]);
  // The record goes last: a `down` that is interrupted can be repeated.
  const parts = ['machines', 'etcd', 'programs', ''].map((part) => resolve(folder, part));
  for (const part of hadFolder ? parts : []) {
    await runOk(['rm', '-rf', '--one-file-system', '--', part]);
  }
  // Another lab may come up at this moment.
  const top = ['rmdir', '--ignore-fail-on-non-empty', labsFolder];
  if (existsSync(labsFolder)) await run(top);
  return hadFolder;
}

function mountsBelow(folder: string): readonly string[] {
  const points = readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '');
  return points.filter((point) => point.startsWith(`${folder}/`)).toReversed();
}
