import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../../lib/error.ts';
import { fail, ok, type Result } from '../../lib/result.ts';
import { groupsOf, processesIn } from '../cgroup.ts';
import { readOrNull } from '../process-table.ts';
import { fleetdUrl } from '../settings.ts';
import { labFailed } from '../trouble.ts';
import { until } from '../until.ts';
import type { Fault, FaultSite } from './fault.ts';
import { inside } from './fault.ts';

const limits = { moreBytesMax: 256 * 1024, killMs: 20_000, askMs: 500 } as const;
const memoryHierarchy = '/sys/fs/cgroup/memory';

/** The kernel's own killer ends fleetd, as when something else has used up the memory. */
export const memoryFaults: readonly Fault[] = [
  {
    name: 'fleetd-oom',
    about: "fleetd is out of memory: the kernel's OOM killer ends it; systemd starts it again",
    inflict: (site) => (existsSync(memoryHierarchy) ? strangle(site) : strangleUnified(site)),
    heal: null,
  },
];

/**
 * With cgroup v1 machines have no memory groups, so fleetd's process is moved to one outside. What
 * it has stays with its old group; the next few pages that it needs are too many.
 */
async function strangle(site: FaultSite): Promise<void> {
  const { record, machine } = site;
  const group = join(memoryHierarchy, `flotilla-lab-${record.name}-${machine.name}`);
  mkdirSync(group, { recursive: true });
  try {
    writeFileSync(join(group, 'memory.limit_in_bytes'), String(limits.moreBytesMax));
    const pid = await fleetdPid(site);
    writeFileSync(join(group, 'cgroup.procs'), String(pid));
    await killed(site, () => {
      const counts = readFileSync(join(group, 'memory.oom_control'), 'utf8');
      return Number(/^oom_kill (\d+)/m.exec(counts)?.[1] ?? 0) > 0;
    });
  } finally {
    const wait = { what: `${machine.name}: memory group removed`, timeoutMs: limits.killMs };
    await until(wait, () => removed(group));
  }
}

/** The group itself stays for as long as a process in it is about to end. */
function removed(group: string): Result<null, string> {
  try {
    for (const pid of processesIn([group])) {
      writeFileSync(join(memoryHierarchy, 'cgroup.procs'), String(pid));
    }
    rmdirSync(group);
    return ok(null);
  } catch (error) {
    return fail(messageOf(error));
  }
}

/** Removes the groups that an interrupted command left; nothing of the lab may run any more. */
export function removeMemoryGroups(lab: string): void {
  if (!existsSync(memoryHierarchy)) return;
  const isOurs = new RegExp(`^flotilla-lab-${lab}-m\\d+$`);
  for (const name of readdirSync(memoryHierarchy).filter((entry) => isOurs.test(entry))) {
    rmdirSync(join(memoryHierarchy, name));
  }
}

/** With the unified hierarchy systemd itself sets the limit, and takes it back. */
async function strangleUnified(site: FaultSite): Promise<void> {
  const count = 'systemctl show -P NRestarts fleet.service';
  const before = await inside(site, count);
  const property = 'systemctl set-property --runtime fleet.service';
  await inside(site, `${property} MemoryMax=16M MemorySwapMax=0 MemoryMin=0`);
  try {
    await killed(site, async () => (await inside(site, count)) !== before);
  } finally {
    await inside(site, `${property} MemoryMax=infinity MemorySwapMax=infinity MemoryMin=64M`);
  }
}

/** An idle daemon needs no memory: it is asked things until it needs some. */
async function killed(site: FaultSite, isKilled: () => Promise<boolean> | boolean): Promise<void> {
  const { record, machine } = site;
  const wait = { what: `${machine.name}: fleetd out of memory`, timeoutMs: limits.killMs };
  await until(wait, async () => {
    if (await isKilled()) return ok(null);
    const signal = AbortSignal.timeout(limits.askMs);
    const url = `${fleetdUrl(record.index, machine.number)}/fleet/v1/machines`;
    // That it stops answering is what this is for.
    await fetch(url, { signal }).catch(() => null);
    return fail('it lives with what it has');
  });
}

/** The main process of fleet.service, in this computer's numbering. */
async function fleetdPid(site: FaultSite): Promise<number> {
  const { record, machine } = site;
  const inner = (await inside(site, 'systemctl show -P MainPID fleet.service')).trim();
  const isIt = (pid: number): boolean =>
    new RegExp(`^NSpid:.*\\s${inner}$`, 'm').test(readOrNull(`/proc/${pid}/status`) ?? '');
  const pid = processesIn(groupsOf(record.name, machine.name)).find(isIt);
  if (inner !== '0' && pid !== undefined) return pid;
  throw labFailed(
    `${machine.name}: fleetd does not run`,
    `'fleetlab logs ${machine.name} -u fleet' shows why`,
  );
}
