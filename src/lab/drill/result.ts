import { type LossKind, type Mark, secondsText } from './timeline.ts';

/** What a drill measured and found; with `-o json`, this is what it prints. */
export interface DrillResult {
  readonly machines: number;
  readonly etcd: string;
  readonly agentTtl: string;
  readonly victim: string;
  readonly how: LossKind;
  readonly victimLed: boolean;
  readonly victimHadEtcd: boolean;
  /** etcd changed its own leader meanwhile, which sets every lease back to its full TTL. */
  readonly etcdLeaderChanged: boolean;
  readonly unitCount: number;
  /** Start of all units until all are active. */
  readonly startedMs: number;
  readonly marks: readonly Mark[];
  /** Loss until the last unit that could move was active elsewhere; null when none had to. */
  readonly recoveredMs: number | null;
  /** From the last stop on the victim until the last unit was active elsewhere; only for `poweroff`. */
  readonly handedOverMs: number | null;
  /** Power on until the machine was listed again and ran its share. */
  readonly rejoinedMs: number | null;
  readonly movedCount: number;
  readonly waiting: readonly string[];
  /** Units on other machines that were restarted or stopped: must be empty. */
  readonly restarted: readonly string[];
  /** Everything that was not as it should be; empty means that the drill passed. */
  readonly faults: readonly string[];
}

/** The closing table, one line an entry, and the verdict as its last line. */
export function resultLines(result: DrillResult): readonly string[] {
  const lost = `${result.victim} ${result.how === 'kill' ? 'lost its power' : 'was shut down'}`;
  const rows: readonly (readonly [string, string])[] = [
    [`${result.unitCount} units started on ${result.machines} machines`, time(result.startedMs)],
    ...milestones(result).map(([what, ms]): [string, string] => [`${lost}: ${what}`, time(ms)]),
    [`${lost}: all ${result.movedCount} movers active elsewhere`, time(result.recoveredMs)],
    ...(result.handedOverMs === null
      ? []
      : [['from their stop until active elsewhere', time(result.handedOverMs)] as const]),
    [`${result.victim} on again: in the cluster, with its share`, time(result.rejoinedMs)],
    ['units elsewhere restarted or stopped', String(result.restarted.length)],
  ];
  const width = Math.max(...rows.map(([what]) => what.length));
  const verdict = result.faults.length === 0 ? 'PASSED' : 'FAILED';
  return [
    `agent TTL ${result.agentTtl}, etcd ${result.etcd}${ledText(result)}`,
    ...rows.map(([what, value]) => `  ${what.padEnd(width)}  ${value.padStart(7)}`),
    ...result.faults.map((fault) => `  fault: ${fault}`),
    `drill ${verdict}`,
  ];
}

function milestones({ marks }: DrillResult): readonly (readonly [string, number])[] {
  const wanted = new Set(['lease expired', 'lease given back', 'new leader']);
  return marks
    .filter(({ what }) => wanted.has(what))
    .map(({ what, afterMs }) => [what, afterMs] as const);
}

function ledText({ victim, victimLed, victimHadEtcd, etcdLeaderChanged }: DrillResult): string {
  const roles = [
    ...(victimLed ? ['led the cluster'] : []),
    ...(victimHadEtcd ? ['held an etcd member'] : []),
  ];
  const led = roles.length === 0 ? '' : `; ${victim} ${roles.join(' and ')}`;
  return `${led}${etcdLeaderChanged ? '; etcd changed its own leader: leases began anew' : ''}`;
}

function time(ms: number | null): string {
  return ms === null ? '-' : secondsText(ms);
}
