import { describe, expect, it } from 'vitest';
import { Reporter } from '../../../src/agent/reporter.ts';
import type { Logger } from '../../../src/lib/log.ts';
import type { UnitIdentity } from '../../../src/model/ids.ts';
import type { StateReport } from '../../../src/model/report.ts';
import type { UnitHash } from '../../../src/unitfile/unit-hash.ts';
import { db, web } from '../../builders/agent.ts';
import { ManualClock } from '../../builders/manual-clock.ts';
import { PaperLedger } from '../../builders/paper-ledger.ts';

function aReport(active: string): StateReport {
  const identity = 'one' as UnitIdentity;
  const unitHash = 'hash-a' as UnitHash;
  return {
    identity,
    unitHash,
    current: 'launched',
    load: 'loaded',
    active,
    sub: '-',
    problem: null,
  };
}

function aReporter(ledger = new PaperLedger()) {
  const clock = new ManualClock();
  const ending = new AbortController();
  const logged: string[] = [];
  const line = (_fields: object, message: string): void => void logged.push(message);
  const log: Logger = { debug: line, info: line, warn: line, error: line };
  const reporter = new Reporter(ledger, clock, log, () => logged.push('stored reports known'));
  const running = reporter.run(ending.signal);
  const end = async (): Promise<void> => {
    ending.abort();
    await running;
  };
  return { ledger, clock, reporter, logged, end };
}

describe('reports', () => {
  it('that come together are written together, and the last word counts', async () => {
    const { ledger, clock, reporter, end } = aReporter();
    await clock.pass(10);
    for (const active of ['activating', 'active']) reporter.say(web, aReport(active));
    reporter.say(db, aReport('active'));
    await clock.pass(10);
    expect([ledger.reportBatchCount, ledger.reports.get(web)?.active]).toEqual([1, 'active']);
    reporter.say(web, aReport('active'));
    reporter.say(db, 'leave');
    await clock.pass(1_000);
    expect(ledger.reportBatchCount).toBe(1);
    reporter.say(db, 'delete');
    await clock.pass(10);
    expect([...ledger.reports.keys()]).toEqual([web]);
    await end();
  });

  it('that are in the store already are not written again after a restart', async () => {
    const ledger = new PaperLedger();
    ledger.reports.set(web, aReport('active'));
    const { clock, reporter, logged, end } = aReporter(ledger);
    reporter.say(web, aReport('active'));
    await clock.pass(10);
    expect([ledger.reportBatchCount, [...reporter.names()]]).toEqual([0, [web]]);
    expect(logged).toEqual(['stored reports known']);
    await end();
  });

  it('count as being there from the moment that they are to be written', async () => {
    const { clock, reporter, end } = aReporter();
    await clock.pass(10);
    reporter.say(web, aReport('active'));
    expect([...reporter.names()]).toEqual([web]); // or nobody would take it back while it is under way
    reporter.say(web, 'delete');
    expect([...reporter.names()]).toEqual([]);
    await end();
  });

  it('wait while the store is away, said once, and go out when it is back', async () => {
    const { ledger, clock, reporter, logged, end } = aReporter();
    await clock.pass(10);
    ledger.isAway = true;
    reporter.say(web, aReport('activating'));
    await clock.pass(20_000);
    reporter.say(web, aReport('active'));
    ledger.isAway = false;
    await clock.pass(5_010);
    expect(ledger.reports.get(web)?.active).toBe('active');
    expect(logged.filter((message) => message === 'reports wait for the store')).toHaveLength(1);
    expect(logged).toContain('reports reached the store again');
    await end();
  });

  it('whose write failed are compared with the store again: it may have happened', async () => {
    const { ledger, clock, reporter, end } = aReporter();
    reporter.say(web, aReport('active'));
    await clock.pass(10);
    const report = ledger.report.bind(ledger);
    ledger.report = async (reports) => {
      await report(reports);
      ledger.report = report;
      throw new Error('the answer was lost');
    };
    reporter.say(web, aReport('failed'));
    await clock.pass(6);
    expect(ledger.reports.get(web)?.active).toBe('failed');
    reporter.say(web, aReport('active'));
    await clock.pass(1_000);
    expect(ledger.reports.get(web)?.active).toBe('active');
    await end();
  });

  it('leave no timer behind', async () => {
    const { clock, end } = aReporter();
    await clock.pass(10);
    await end();
    expect(clock.pendingCount).toBe(0);
  });
});
