import { existsSync, readdirSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { numbersIn, readOrNull } from './process-table.ts';

/** Below this group of every hierarchy that systemd needs, one group a lab, in it one a machine. */
const topGroup = 'flotilla-lab';

/**
 * The mounted hierarchies in which machines get groups of their own: the unified one, or on a
 * computer with cgroup v1 systemd's own and, when there is one, the unified one beside it.
 * Controllers of v1 are left alone: machines stay within the limits of whoever started them.
 */
export function hierarchies(): readonly string[] {
  if (existsSync('/sys/fs/cgroup/cgroup.controllers')) return ['/sys/fs/cgroup'];
  const folders = ['/sys/fs/cgroup/systemd', '/sys/fs/cgroup/unified'];
  return folders.filter((folder) => existsSync(join(folder, 'cgroup.procs')));
}

/** The folders of a lab's group, or of the group of one of its processes (`m1`, `etcd`). */
export function groupsOf(lab: string, member?: string): readonly string[] {
  return hierarchies().map((folder) => join(folder, topGroup, lab, member ?? ''));
}

// $1: how many cgroup.procs files follow; then the program to become.
const joinScript = `
count=$1; shift
while [ "$count" -gt 0 ]; do echo $$ > "$1" || exit 1; shift; count=$((count - 1)); done
exec "$@"`;

/** The words that join those groups, then become `argv`. */
export function joinArgv(groups: readonly string[], argv: readonly string[]): readonly string[] {
  const files = groups.map((group) => join(group, 'cgroup.procs'));
  return ['/bin/sh', '-c', joinScript, 'join', String(files.length), ...files, ...argv];
}

/** Every process in those groups and below. */
export function processesIn(groups: readonly string[]): readonly number[] {
  const found = groups.flatMap(foldersBelow).flatMap((folder) => {
    return numbersIn(readOrNull(join(folder, 'cgroup.procs')) ?? '');
  });
  return [...new Set(found)];
}

/** Removes empty groups, innermost first; false when a process still holds one of them. */
export function removeGroups(groups: readonly string[]): boolean {
  const folders = groups.flatMap(foldersBelow);
  return folders.map(removeIfEmpty).every(Boolean);
}

/** Removes the group that holds all labs, once the last lab is gone. */
export function removeTopGroups(): void {
  for (const folder of hierarchies()) removeIfEmpty(join(folder, topGroup));
}

/** The groups in which a process is, one a hierarchy of `hierarchies()`. */
export function groupsOfProcess(pid: number): readonly string[] {
  const lines = (readOrNull(`/proc/${pid}/cgroup`) ?? '').split('\n');
  return hierarchies().flatMap((folder) => {
    const mark = folder.endsWith('/systemd') ? ':name=systemd:' : '0::';
    const line = lines.find((text) => text.includes(mark));
    return line === undefined ? [] : [folder + line.slice(line.indexOf(mark) + mark.length)];
  });
}

/** That folder and all below it, innermost first. */
function foldersBelow(folder: string): readonly string[] {
  if (!existsSync(folder)) return [];
  const inner = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return [...inner.flatMap((entry) => foldersBelow(join(folder, entry.name))), folder];
}

function removeIfEmpty(folder: string): boolean {
  try {
    rmdirSync(folder);
    return true;
  } catch {
    return !existsSync(folder);
  }
}
