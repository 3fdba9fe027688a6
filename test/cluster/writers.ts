import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { machineFolder } from '../../src/lab/record.ts';

/** One start of a unit on a machine, from what it wrote: seconds since the computer booted. */
export interface Run {
  readonly machine: string;
  readonly invocationId: string;
  /** `FLEET_TOKEN`; null for a unit that has none. */
  readonly token: bigint | null;
  readonly firstS: number;
  lastS: number;
}

/** A clock that all machines of a computer share has hundredths of a second. */
const tickS = 0.011;

/** A service that writes into its machine's own log, twenty times a second, as long as it runs. */
export function writer(service: readonly string[], fleet: readonly string[]): string {
  const line = 'echo "$$up $$INVOCATION_ID $$FLEET_TOKEN" >>/var/tmp/%n.log';
  const loop = `while read up _ </proc/uptime; do ${line}; sleep 0.05; done`;
  const start = `ExecStart=/bin/sh -c '${loop}'`;
  return ['[Service]', start, ...service, '', '[X-Fleet]', ...fleet, ''].join('\n');
}

/** Every run of a unit by what machines have on their disks, whether they are on or off. */
export function runsOf(lab: string, machines: readonly string[], unit: string): readonly Run[] {
  const runs = machines.flatMap((machine) => {
    const path = join(machineFolder(lab, machine), 'upper/var/tmp', `${unit}.log`);
    return existsSync(path) ? runsIn(machine, readFileSync(path, 'utf8')) : [];
  });
  return runs.sort((one, other) => one.firstS - other.firstS);
}

/** The runs that one machine's log tells of; half a line at its end is left out. */
export function runsIn(machine: string, text: string): readonly Run[] {
  const runs = new Map<string, Run>();
  for (const line of text.split('\n').slice(0, -1)) {
    const [up = '', invocationId = '', token = ''] = line.split(' ');
    const atS = Number(up);
    const known = runs.get(invocationId);
    if (known !== undefined) known.lastS = atS;
    else {
      const its = token === '' ? null : BigInt(token);
      runs.set(invocationId, { machine, invocationId, token: its, firstS: atS, lastS: atS });
    }
  }
  return [...runs.values()];
}

/** What is wrong with a unit that may have one writer at a time; runs sorted by their begin. */
export function overlaps(runs: readonly Run[]): readonly string[] {
  const problems: string[] = [];
  for (const [index, run] of runs.entries()) {
    for (const later of runs.slice(index + 1)) {
      const bothS = run.lastS - later.firstS;
      const who = `${run.machine} until ${run.lastS}, ${later.machine} from ${later.firstS}`;
      if (bothS > tickS) problems.push(`two writers for ${bothS.toFixed(2)} s: ${who}`);
      const isOlder = (later.token ?? 0n) < (run.token ?? 0n);
      const isSame = later.token === run.token && later.machine !== run.machine;
      if (isOlder || isSame) problems.push(`token ${later.token} after ${run.token}: ${who}`);
    }
  }
  return problems;
}

/** The longest time between `fromS` and `toS` in which nobody wrote. */
export function longestSilenceS(runs: readonly Run[], fromS: number, toS: number): number {
  let heardS = fromS;
  let longestS = 0;
  for (const { firstS, lastS } of runs) {
    if (lastS < fromS || firstS > toS) continue;
    longestS = Math.max(longestS, firstS - heardS);
    heardS = Math.max(heardS, lastS);
  }
  return Math.max(longestS, toS - heardS);
}
