import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { runAgent } from '../../../src/agent/agent.ts';
import type { AgentOptions } from '../../../src/agent/agent-parts.ts';
import { AgentCounts } from '../../../src/daemon/agent-counts.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import type { UnitIdentity } from '../../../src/model/ids.ts';
import { thisBoot, web } from '../../builders/agent.ts';
import { CapturedLog } from '../../builders/captured-log.ts';
import { PaperLedger } from '../../builders/paper-ledger.ts';
import { PaperSystemd } from '../../builders/paper-systemd.ts';

const text = '[Service]\nExecStart=/bin/sleep infinity\n';
const other = '[Service]\nExecStart=/bin/sleep 1000\n';
const paths = {
  unitsDirectory: '/run/fleet/units',
  stateDirectory: '/run/fleet',
  runtimeDirectory: '/run/systemd/system',
};
const patience = { timeout: 10_000 };
let root = '';
let ledger: PaperLedger;
let systemd: PaperSystemd;
let meter: AgentCounts;
let stopAgent: () => Promise<void> = async () => undefined;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'fleet-meter-'));
  mkdirSync(join(root, 'run/systemd/system'), { recursive: true });
  ledger = new PaperLedger();
  systemd = new PaperSystemd(root);
  meter = new AgentCounts();
});
afterEach(async () => {
  await stopAgent();
  rmSync(root, { recursive: true });
});

function startAgent(connect: AgentOptions['connect']): void {
  const ending = new AbortController();
  const options = { ledger, connect, meter, bootId: thisBoot, paths: { ...paths, root } };
  const running = runAgent(
    { ...options, clock: systemClock, log: new CapturedLog(), onShutdown: () => undefined },
    ending.signal,
  );
  stopAgent = async () => {
    ending.abort();
    await running;
  };
}

const untilSaid = (words: string): Promise<void> =>
  ledger.until(() => {
    const report = ledger.reports.get(web);
    return `${report?.current} ${report?.active}` === words;
  });

function metricOf(name: string, label = ''): number | undefined {
  const metric = meter.metrics().find((one) => one.name === name);
  if (metric === undefined || metric.type === 'histogram') return undefined;
  return metric.samples.find(({ labels }) => Object.values(labels).join('') === label)?.value;
}

it('whatever people ask for, none of it counts as a restart that we caused', async () => {
  startAgent((events) => systemd.connect(events));
  ledger.order(web, text, 'launch');
  await untilSaid('launched active');
  ledger.change(web, { restartCount: 1 });
  await ledger.until(() => systemd.calls.filter((call) => call.startsWith('start')).length === 2);
  await untilSaid('launched active');
  ledger.change(web, { want: 'stop' });
  await untilSaid('loaded inactive');
  ledger.order(web, other, 'launch', { identity: 'two' as UnitIdentity });
  await untilSaid('launched active');
  ledger.change(web, { want: 'gone' });
  await untilSaid('gone inactive');
  expect(metricOf('fleet_agent_restarts_caused_total')).toBe(0);
  expect(metricOf('fleet_agent_jobs_total', 'stop')).toBe(3);
  expect(metricOf('fleet_agent_jobs_total', 'start')).toBe(3);
});

it('a stop that the order no longer asks for counts as a restart that we caused', async () => {
  startAgent(async (events) => {
    const real = await systemd.connect(events);
    return {
      ...real,
      stop: (name, signal, asked) => {
        ledger.change(web, { want: 'launch' }); // too late to be noticed
        return real.stop(name, signal, asked);
      },
    };
  });
  ledger.order(web, text, 'launch');
  await untilSaid('launched active');
  ledger.change(web, { want: 'stop' });
  // It is started again at once, so that there may be nothing new to report.
  await expect.poll(() => metricOf('fleet_agent_jobs_total', 'stop'), patience).toBe(1);
  expect(metricOf('fleet_agent_restarts_caused_total')).toBe(1);
});

it('a pass tells of jobs and of units that wait', async () => {
  systemd.ends.set(web, 'never');
  startAgent((events) => systemd.connect(events));
  ledger.order(web, text, 'launch');
  await expect.poll(() => metricOf('fleet_agent_jobs_running', 'start')).toBe(1);
  expect(meter.pass?.busy.get(web)).toBe('start');
  ledger.change(web, { want: 'gone' });
  await untilSaid('gone inactive');
  await expect.poll(() => metricOf('fleet_agent_jobs_running', 'start')).toBe(0);
  await expect.poll(() => metricOf('fleet_agent_reports_waiting')).toBe(0);
});
