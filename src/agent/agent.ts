import { backoffMs } from '../lib/backoff.ts';
import { type Clock, rest } from '../lib/clock.ts';
import { FleetError, messageOf } from '../lib/error.ts';
import type { Logger } from '../lib/log.ts';
import { Wake } from '../lib/wake.ts';
import type { AgentMemory, AgentOptions } from './agent-parts.ts';
import { machineDisk } from './disk-file.ts';
import { UnitFiles } from './files.ts';
import { LeaseAge } from './lease-age.ts';
import { agentLimits } from './limits.ts';
import { PartitionGuard } from './partition-guard.ts';
import { Reporter } from './reporter.ts';
import { AgentSession } from './session.ts';

/**
 * Makes the systemd of this machine match the ledger's orders and reports what systemd says, until
 * `signal` aborts. Ending it stops no unit. Reconnects by itself; rejects only when something is
 * broken that no retry mends (a bug).
 */
export async function runAgent(options: AgentOptions, signal: AbortSignal): Promise<void> {
  const { ledger, clock, log, paths, disk = machineDisk } = options;
  const wake = new Wake();
  const reporter = new Reporter(ledger, clock, log, () => wake.nudge());
  const guard = new PartitionGuard({
    ...{ clock, log, ledger, paths, disk },
    lease: options.lease ?? null,
    uptimeMs: options.uptimeMs ?? (() => clock.nowMs()),
    nudge: () => wake.nudge(),
  });
  const leaseAge = new LeaseAge(options.lease ?? null, clock, () => wake.nudge());
  const files = new UnitFiles(paths, disk);
  const memory: AgentMemory = { files, reporter, retries: new Map(), guard, leaseAge, wake };
  ledger.onChange(() => wake.nudge());
  options.onReportsDoubted?.(() => reporter.doubt());
  options.meter?.canCountReports(() => reporter.waitingCount());
  await Promise.all([reporter.run(signal), runSessions(options, memory, signal)]);
}

/** One connection to systemd after the other. */
async function runSessions(
  options: AgentOptions,
  memory: AgentMemory,
  signal: AbortSignal,
): Promise<void> {
  const { clock, log } = options;
  let failureCount = 0;
  let isSaidLost = false;
  let connectedMs: number | null = null;
  const connected = (): void => {
    connectedMs = clock.nowMs();
    if (isSaidLost) log.info({ failureCount }, 'connected to systemd again');
    isSaidLost = false;
  };
  while (!signal.aborted) {
    connectedMs = null;
    try {
      await new AgentSession(options, memory).run(connected, signal);
    } catch (error) {
      if (!(error instanceof FleetError)) throw error;
      if (signal.aborted) return;
      // One that is lost again and again is one trouble, told once and approached ever more slowly.
      if (hasLasted(connectedMs, clock)) failureCount = 0;
      if (failureCount === 0) {
        sayLost(log, error);
        isSaidLost = true;
      }
    }
    if (signal.aborted) return;
    failureCount += 1;
    const limits = { firstMs: agentLimits.reconnectFirstMs, maxMs: agentLimits.reconnectMsMax };
    await rest(backoffMs(failureCount, limits), clock, signal);
  }
}

function hasLasted(connectedMs: number | null, clock: Clock): boolean {
  return connectedMs !== null && clock.nowMs() - connectedMs > agentLimits.reconnectMsMax;
}

function sayLost(log: Logger, error: FleetError): void {
  const { code, hint } = error.trouble;
  log.warn({ problem: messageOf(error), code, hint }, 'lost systemd, leaving units as they are');
}
