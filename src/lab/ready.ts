import { systemClock } from '../lib/clock.ts';
import type { Result } from '../lib/result.ts';
import { fail, ok } from '../lib/result.ts';
import { runInside } from './exec.ts';
import { fetchJson } from './fetch-json.ts';
import { fleetdSocket } from './fleetd-socket.ts';
import { initStarted } from './machine-process.ts';
import type { LabRecord, MachineRecord } from './record.ts';
import { etcdUrls, fleetdUrl } from './settings.ts';
import { labFailed } from './trouble.ts';
import { until } from './until.ts';

const limits = {
  bootMs: 60_000,
  etcdMs: 30_000,
  listedMs: 30_000,
  /** How long fleetd may be silent before its systemd is asked how it is, again and again. */
  failedLookMs: 500,
  wordsMax: 8,
} as const;

/** Waits until a machine has started. Returns what its systemd says: `running`, or why not. */
export async function machineBooted(
  lab: LabRecord,
  machine: MachineRecord,
  signal?: AbortSignal,
): Promise<string> {
  await initStarted(lab, machine, signal);
  const options = { timeoutMs: limits.bootMs, ...(signal && { signal }) };
  const answer = await runInside(machine, ['systemctl', 'is-system-running', '--wait'], options);
  const state = answer.stdout.trim();
  if (state !== 'degraded') return state || answer.stderr.trim();
  const list = ['systemctl', 'list-units', '--failed', '--plain', '--no-legend'];
  const failed = (await runInside(machine, list)).stdout.trim().split('\n');
  return `degraded: ${failed.map((line) => line.split(' ')[0]).join(', ')}`;
}

/** Waits until every member of the lab's etcd can read and write. */
export async function etcdHealthy(lab: LabRecord, signal?: AbortSignal): Promise<void> {
  const wait = { what: 'etcd healthy', timeoutMs: limits.etcdMs, hint: etcdHint() };
  await until({ ...wait, ...(signal && { signal }) }, async () => {
    const answers = await Promise.all(etcdUrls(lab).map((url) => fetchJson(`${url}/health`)));
    const isHealthy = (answer: Result<unknown, string>): boolean =>
      answer.ok && (answer.value as { health?: unknown } | null)?.health === 'true';
    const bad = etcdUrls(lab).filter((_url, index) => {
      const answer = answers[index];
      return answer === undefined || !isHealthy(answer);
    });
    return bad.length === 0 ? ok(null) : fail(`${bad.join(', ')} not healthy`);
  });
}

/** Waits until the fleetd of `asked` lists all of `machines`. */
export async function machinesListed(
  lab: LabRecord,
  asked: MachineRecord,
  machines: readonly MachineRecord[],
  signal?: AbortSignal,
): Promise<void> {
  const hint = `'fleetlab logs ${asked.name} -u fleet' shows what its fleetd says`;
  const wait = { what: `${asked.name}: machines listed`, timeoutMs: limits.listedMs, hint };
  const looked = { atMs: systemClock.nowMs() };
  await until({ ...wait, ...(signal && { signal }) }, async () => {
    const answer = await askFleetd(lab, asked, '/fleet/v1/machines');
    if (!answer.ok) {
      if (systemClock.nowMs() - looked.atMs < limits.failedLookMs) return answer;
      await throwIfFleetdFailed(asked, hint);
      looked.atMs = systemClock.nowMs();
      return answer;
    }
    const page = answer.value as { machines?: readonly { id?: unknown }[] } | null;
    const ids = new Set(page?.machines?.map((machine) => machine.id));
    const missing = machines.filter((machine) => !ids.has(machine.id));
    if (missing.length === 0) return ok(null);
    return fail(`it does not list ${missing.map((machine) => machine.name).join(', ')}`);
  });
}

/** systemd starts fleetd again whenever that may help: what has failed for good is not waited for. */
async function throwIfFleetdFailed(machine: MachineRecord, hint: string): Promise<void> {
  const show = ['systemctl', 'show', 'fleet.service', '-p', 'ActiveState,ExecMainPID'];
  const shown = (await runInside(machine, show)).stdout;
  if (!/^ActiveState=failed$/m.test(shown)) return;
  // By its process: journald no longer knows the InvocationID of what it reads after the failure.
  const pid = /^ExecMainPID=(\d+)$/m.exec(shown)?.[1] ?? '';
  // What a process wrote right before its end may still be on its way to the journal.
  await runInside(machine, ['journalctl', '--sync']);
  const journal = ['journalctl', '-b', '-q', '-o', 'cat', `-n${limits.wordsMax}`];
  const ofLife = ['_SYSTEMD_UNIT=fleet.service', `_PID=${pid}`];
  const words = (await runInside(machine, [...journal, ...ofLife])).stdout.trim();
  throw labFailed(`${machine.name}: fleetd has failed\n${words}`, hint);
}

/** A bare machine's fleetd listens where its configuration says: at its socket, unless it says so. */
async function askFleetd(
  lab: LabRecord,
  machine: MachineRecord,
  path: string,
): Promise<Result<unknown, string>> {
  if (machine.isBare !== true) return fetchJson(`${fleetdUrl(lab.index, machine.number)}${path}`);
  const socketPath = fleetdSocket(machine);
  return socketPath === null ? fail('it is off') : fetchJson(`http://fleetd${path}`, socketPath);
}

function etcdHint(): string {
  return "'fleetlab logs m1 -u etcd' shows what a member says; a firewall on the bridge stops it";
}
