import { readFileSync } from 'node:fs';
import type { EtcdFigures } from './etcd-figures.ts';
import { callsBetween, readEtcdFigures } from './etcd-figures.ts';
import type { MachineGroup } from './machine-group.ts';
import type { CpuUse, Phase } from './result.ts';

/** Ticks of processor time are a hundredth of a second on every Linux that we meet. */
const tickMs = 10;

/** What everybody has used so far. */
export interface Usage {
  readonly etcd: EtcdFigures;
  readonly machineRequests: Readonly<Record<string, number>>;
  readonly cpu: CpuUse;
  readonly residentBytes: { readonly fleetd: number; readonly machines: number };
}

/** Whom to ask. */
export interface UsageSources {
  readonly endpoints: readonly string[];
  readonly fleetds: readonly number[];
  readonly machines: MachineGroup;
}

/** Looks at everybody once. */
export async function readUsage(sources: UsageSources): Promise<Usage> {
  const etcd = await readEtcdFigures(sources.endpoints);
  const { requests, cpuMs, residentBytes } = sources.machines.counts();
  const fleetds = sources.fleetds.map(usageOf);
  const { user, system } = process.cpuUsage();
  const sum = (values: readonly number[]): number => values.reduce((all, one) => all + one, 0);
  return {
    etcd,
    machineRequests: requests,
    cpu: {
      etcdMs: etcd.cpuMs,
      fleetdMs: sum(fleetds.map((one) => one.cpuMs)),
      machinesMs: cpuMs,
      fleetlabMs: (user + system) / 1_000,
    },
    residentBytes: {
      fleetd: sum(fleetds.map((one) => one.residentBytes)),
      machines: residentBytes,
    },
  };
}

/** What was used between two looks. */
export function usedBetween(
  before: Usage,
  after: Usage,
): Pick<Phase, 'etcdCalls' | 'machineRequests' | 'cpu'> {
  const requests = Object.entries(after.machineRequests).map(
    ([kind, count]) => [kind, count - (before.machineRequests[kind] ?? 0)] as const,
  );
  return {
    etcdCalls: callsBetween(before.etcd, after.etcd),
    machineRequests: Object.fromEntries(requests),
    cpu: {
      etcdMs: after.cpu.etcdMs - before.cpu.etcdMs,
      fleetdMs: after.cpu.fleetdMs - before.cpu.fleetdMs,
      machinesMs: after.cpu.machinesMs - before.cpu.machinesMs,
      fleetlabMs: after.cpu.fleetlabMs - before.cpu.fleetlabMs,
    },
  };
}

function usageOf(pid: number): { readonly cpuMs: number; readonly residentBytes: number } {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    const cpuMs = (Number(fields[11]) + Number(fields[12])) * tickMs;
    const resident = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return { cpuMs, residentBytes: Number(resident ?? 0) * 1024 };
  } catch {
    return { cpuMs: 0, residentBytes: 0 }; // it has ended
  }
}
