import { existsSync, readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { FleetError } from '../lib/error.ts';
import { fail, ok } from '../lib/result.ts';
import { groupsOf, processesIn, removeGroups, removeTopGroups } from './cgroup.ts';
import type { LabContext } from './lab.ts';
import { withLock } from './lock.ts';
import { labMark } from './machine-process.ts';
import { defaultLabName, isOfLab, labsFolder } from './names.ts';
import { networkLeftovers, removeNetwork } from './network.ts';
import { initBelow, processesWithVariable, sendSignal } from './process-table.ts';
import { claimedIndex, knownLabs, labFolder, readRecord, writeRecord } from './record.ts';
import { requireRoot } from './requirements.ts';
import { run, runOk } from './run.ts';
import { until } from './until.ts';

const limits = { gentleMs: 5_000, deathMs: 10_000 } as const;

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
    const hadFolder = await removeFiles(context.lab, index);
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
  // systemd-nspawn clears up after itself once its machine is gone, so machines go first.
  const gentleUntilMs = performance.now() + limits.gentleMs;
  await until({ what: 'all processes of the lab ended', timeoutMs: limits.deathMs }, () => {
    const pids = left();
    const inits = pids.map(initBelow).filter((pid) => pid !== null);
    const isGentle = inits.length > 0 && performance.now() < gentleUntilMs;
    for (const pid of isGentle ? inits : pids) sendSignal(pid, 'SIGKILL');
    if (pids.length > 0) return fail(`${pids.length} run, among them ${pids[0]}`);
    return removeGroups(groups) ? ok(null) : fail('a control group is still in use');
  });
  removeTopGroups();
  return found.length;
}

async function endNetwork(labIndex: number): Promise<number> {
  const { links, namespaces } = networkLeftovers(labIndex);
  await removeNetwork(labIndex);
  return links.length + namespaces.length;
}

async function removeFiles(lab: string, labIndex: number | null): Promise<boolean> {
  const folder = labFolder(lab);
  const hadFolder = existsSync(folder);
  for (const path of mountsBelow(folder)) await run(['umount', '--lazy', path]);
  if (labIndex !== null) await removeNspawnLeftovers(folder, labIndex);
  // The record goes last: a `down` that is interrupted can be repeated.
  const script = 'cd "$1" && rm -rf --one-file-system -- machines etcd programs && rm -rf -- "$1"';
  if (hadFolder) await runOk(['sh', '-c', script, 'remove', folder]);
  if (existsSync(labsFolder) && knownLabs().length === 0) rmdirSync(labsFolder);
  return hadFolder;
}

/** What a systemd-nspawn leaves that was itself killed: an empty folder, and the lock of its root. */
async function removeNspawnLeftovers(folder: string, labIndex: number): Promise<void> {
  const script = `
for path in /run/systemd/nspawn/propagate/*; do [ -d "$path" ] && echo "$path"; done
true`;
  const { stdout } = await run(['sh', '-c', script]);
  const own = stdout.split('\n').filter((path) => isOfLab(labIndex, path.split('/').at(-1) ?? ''));
  if (own.length > 0) await run(['rmdir', ...own]);
  const roots = `for root in "$1"/machines/*/root; do
  rm -f "/run/systemd/nspawn/locks/inode-$(stat -c %d:%i "$root" 2>/dev/null)"; done`;
  if (existsSync(join(folder, 'machines'))) await run(['sh', '-c', roots, 'locks', folder]);
}

function mountsBelow(folder: string): readonly string[] {
  const points = readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '');
  return points.filter((point) => point.startsWith(`${folder}/`)).toReversed();
}
