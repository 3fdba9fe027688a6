import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { runAgent } from '../../../src/agent/agent.ts';
import type { AgentOptions } from '../../../src/agent/agent-parts.ts';
import { agentLimits } from '../../../src/agent/limits.ts';
import { type Clock, systemClock } from '../../../src/lib/clock.ts';
import type { Logger } from '../../../src/lib/log.ts';
import type { UnitIdentity } from '../../../src/model/ids.ts';
import type { UnitName } from '../../../src/unitfile/unit-name.ts';
import { db, thisBoot, web } from '../../builders/agent.ts';
import { PaperLedger } from '../../builders/paper-ledger.ts';
import { PaperSystemd } from '../../builders/paper-systemd.ts';

const text = '[Service]\nExecStart=/bin/sleep infinity\n';
let root = '';
let ledger: PaperLedger;
let systemd: PaperSystemd;
let logged: { readonly message: string; readonly fields: object }[] = [];
let stopAgent: () => Promise<void> = async () => undefined;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'fleet-agent-'));
  mkdirSync(join(root, 'run/systemd/system'), { recursive: true });
  ledger = new PaperLedger();
  systemd = new PaperSystemd(root);
  logged = [];
});
afterEach(async () => {
  await stopAgent();
  rmSync(root, { recursive: true });
});

function startAgent(changes: Partial<AgentOptions> = {}): void {
  const ending = new AbortController();
  const line = (fields: object, message: string): void => void logged.push({ fields, message });
  const log: Logger = { debug: () => undefined, info: line, warn: line, error: line };
  const running = runAgent(
    {
      ...{ ledger, log, clock: systemClock, bootId: thisBoot, onShutdown: () => undefined },
      connect: (events) => systemd.connect(events),
      paths: {
        root,
        unitsDirectory: '/run/fleet/units',
        stateDirectory: '/run/fleet',
        runtimeDirectory: '/run/systemd/system',
      },
      ...changes,
    },
    ending.signal,
  );
  stopAgent = async () => {
    stopAgent = async () => undefined;
    ending.abort();
    await running;
  };
}

/** The clock of this computer, but pings are due at once. */
class FastPings implements Clock {
  nowMs(): number {
    return systemClock.nowMs();
  }
  wallMs(): number {
    return systemClock.wallMs();
  }
  after(ms: number, run: () => void): () => void {
    return systemClock.after(ms === agentLimits.pingMs ? 1 : ms, run);
  }
}

const said = (name: UnitName): string => {
  const report = ledger.reports.get(name);
  return report === undefined ? 'nothing' : `${report.current} ${report.active}`;
};
const untilSaid = (name: UnitName, words: string): Promise<void> =>
  ledger.until(() => said(name) === words);

describe('the agent', () => {
  it('carries a unit through its life and leaves nothing behind', async () => {
    startAgent();
    ledger.order(web, text, 'load');
    await untilSaid(web, 'loaded inactive');
    ledger.change(web, { want: 'launch' });
    await untilSaid(web, 'launched active');
    ledger.change(web, { want: 'stop' });
    await untilSaid(web, 'loaded inactive');
    ledger.change(web, { want: 'gone' });
    await untilSaid(web, 'gone inactive');
    ledger.withdraw(web);
    await ledger.until((reports) => reports.size === 0);
    expect(systemd.calls).toEqual(['link web.service', 'start web.service', 'stop web.service']);
    for (const folder of ['run/fleet/units', 'run/fleet/receipts', 'run/fleet/loaded']) {
      expect(readdirSync(join(root, folder))).toEqual([]);
    }
    expect(readdirSync(join(root, 'run/systemd/system'))).toEqual([]);
  });

  it('has every file of a batch on disk and linked before the first start', async () => {
    const names = ['a.service', 'b.service', 'c.service'] as UnitName[];
    for (const name of names) ledger.order(name, text, 'launch');
    startAgent();
    await ledger.until(() => names.every((name) => said(name) === 'launched active'));
    expect(systemd.calls).toEqual([
      'link a.service b.service c.service',
      ...names.map((name) => `start ${name}`),
    ]);
  });

  it('reads the text that a batch of units has in common once', async () => {
    const names = ['a.service', 'b.service', 'c.service'] as UnitName[];
    for (const name of names) ledger.order(name, text, 'load');
    startAgent();
    await ledger.until(() => names.every((name) => said(name) === 'loaded inactive'));
    expect(ledger.textReadCount).toBe(1);
  });

  it('enables a batch of units before the first start, with one reload for all', async () => {
    const names = ['a.service', 'b.service', 'c.service'] as UnitName[];
    const enabled = `${text}[Install]\nWantedBy=multi-user.target\n`;
    for (const name of names.slice(0, 2)) ledger.order(name, enabled, 'launch');
    ledger.order('c.service' as UnitName, text, 'launch');
    startAgent();
    await ledger.until(() => names.every((name) => said(name) === 'launched active'));
    expect(systemd.calls.slice(0, 2)).toEqual(['link a.service b.service c.service', 'reload']);
    expect(systemd.calls.filter((call) => call === 'reload')).toHaveLength(1);
    const links = join(root, 'run/systemd/system/multi-user.target.wants');
    expect(readdirSync(links).sort()).toEqual(['a.service', 'b.service']);
    for (const name of names) ledger.change(name, { want: 'gone' });
    await ledger.until(() => names.every((name) => said(name) === 'gone inactive'));
    expect(existsSync(links)).toBe(false);
    expect(systemd.calls.filter((call) => call === 'reload').length).toBeGreaterThan(1);
    expect(readdirSync(join(root, 'run/fleet/installs'))).toEqual([]);
  });

  it('enables the new text of a unit as it says, and nothing of the old one', async () => {
    startAgent();
    ledger.order(web, `${text}[Install]\nWantedBy=old.target\nAlias=www.service\n`, 'load');
    await untilSaid(web, 'loaded inactive');
    const folder = join(root, 'run/systemd/system');
    expect(readdirSync(folder)).toContain('www.service');
    const identity = 'another' as UnitIdentity;
    ledger.order(web, `${text}[Install]\nRequiredBy=new.target\n`, 'load', { identity });
    await ledger.until((reports) => reports.get(web)?.identity === identity);
    expect(readdirSync(folder).sort()).toEqual([
      'new.target.requires',
      'web.service',
      'web.service.d',
    ]);
  });

  it('leaves out an alias that another unit has, and says so once', async () => {
    startAgent();
    ledger.order(db, text, 'load');
    await untilSaid(db, 'loaded inactive');
    ledger.order(web, `${text}[Install]\nAlias=db.service\n`, 'launch');
    await untilSaid(web, 'launched active');
    ledger.change(web, { reason: 'look again' });
    expect(logged.filter(({ message }) => message.startsWith('alias is taken'))).toHaveLength(1);
    expect(systemd.status(db).fragmentPath).toContain('db.service');
  });

  it('does nothing while its orders are unknown, and still reports what runs', async () => {
    ledger.order(web, text, 'launch');
    startAgent();
    await untilSaid(web, 'launched active');
    await stopAgent();
    ledger.isKnown = false;
    ledger.reports.clear();
    startAgent();
    await untilSaid(web, 'launched active');
    systemd.end(web, 'failed');
    await untilSaid(web, 'launched failed');
    expect(systemd.calls.filter((call) => call !== 'link web.service')).toEqual([
      'start web.service',
    ]);
  });

  it('leaves a unit alone whose order is missing', async () => {
    startAgent();
    ledger.order(web, text, 'launch');
    await untilSaid(web, 'launched active');
    ledger.withdraw(web);
    ledger.order(db, text, 'launch');
    await untilSaid(db, 'launched active');
    expect([said(web), systemd.runningText(web)]).toEqual(['launched active', text]);
  });

  it('does not start a finished unit again, neither at once nor after a restart', async () => {
    startAgent();
    ledger.order(web, text, 'launch');
    await untilSaid(web, 'launched active');
    systemd.end(web, 'inactive');
    await untilSaid(web, 'launched inactive');
    await stopAgent();
    startAgent();
    ledger.order(db, text, 'launch');
    await untilSaid(db, 'launched active');
    expect(systemd.calls.filter((call) => call === 'start web.service')).toHaveLength(1);
  });

  it('tries a failed start again after a pause, with the words of systemd meanwhile', async () => {
    systemd.ends.set(web, 'failed');
    startAgent();
    ledger.order(web, text, 'launch');
    await untilSaid(web, 'loaded failed');
    await ledger.until((reports) => reports.get(web)?.problem !== null);
    expect(ledger.reports.get(web)?.problem).toBe("start job ended 'failed': exit-code");
    expect(systemd.calls.filter((call) => call === 'start web.service')).toHaveLength(1);
    systemd.ends.delete(web);
    await untilSaid(web, 'launched active');
    expect(ledger.reports.get(web)?.problem).toBeNull();
    expect(logged.filter(({ message }) => message === 'task failed, trying again')).toHaveLength(1);
  });

  it('stops a unit whose start never ends, and works on others meanwhile', async () => {
    systemd.ends.set(web, 'never');
    startAgent();
    ledger.order(web, text, 'launch');
    await untilSaid(web, 'loaded activating');
    ledger.order(db, text, 'launch');
    await untilSaid(db, 'launched active');
    ledger.change(web, { want: 'gone' });
    await untilSaid(web, 'gone inactive');
    expect(systemd.calls.slice(-1)).toEqual(['stop web.service']);
    expect(existsSync(join(root, 'run/fleet/receipts/web.service.json'))).toBe(false);
  });

  it('goes on with units while the store takes no reports, and reports afterwards', async () => {
    startAgent();
    ledger.order(web, text, 'load');
    await untilSaid(web, 'loaded inactive');
    ledger.isAway = true;
    ledger.change(web, { want: 'launch' });
    await vi.waitFor(() => expect(systemd.runningText(web)).toBe(text));
    await vi.waitFor(() =>
      expect(logged.map(({ message }) => message)).toContain('reports wait for the store'),
    );
    expect(said(web)).toBe('loaded inactive');
    ledger.isAway = false;
    await untilSaid(web, 'launched active');
  });

  it('connects again when the bus is lost, and joins a start that went on', async () => {
    systemd.ends.set(web, 'never');
    startAgent();
    ledger.order(web, text, 'launch');
    ledger.order(db, text, 'launch');
    await untilSaid(web, 'loaded activating');
    await untilSaid(db, 'launched active');
    systemd.ends.delete(web);
    systemd.lose();
    await untilSaid(web, 'launched active');
    expect(systemd.connectCount).toBe(2);
    expect(systemd.calls.filter((call) => call === 'start db.service')).toHaveLength(1);
    expect(logged.map(({ message }) => message)).toContain('connected to systemd again');
  });

  it('connects again when systemd answers no more, and is silent when stopped itself', async () => {
    const clock = new FastPings();
    systemd.isStuck = true;
    startAgent({ clock });
    await vi.waitFor(() => expect(systemd.connectCount).toBeGreaterThan(1));
    const lost = logged.filter(({ message }) => message.startsWith('lost systemd'));
    expect(lost).toHaveLength(1);
    systemd.isStuck = false;
    ledger.order(web, text, 'launch');
    await untilSaid(web, 'launched active');
    await stopAgent();
    expect(logged.filter(({ message }) => message.startsWith('lost systemd'))).toHaveLength(1);
  });

  it('ends at once although the bus never answers', async () => {
    startAgent({ connect: () => new Promise(() => undefined) });
    await stopAgent();
    expect(logged).toEqual([]);
  });

  it('writes reports again when the store may have lost them', async () => {
    let doubt = (): void => undefined;
    startAgent({ onReportsDoubted: (given) => (doubt = given) });
    ledger.order(web, text, 'launch');
    await untilSaid(web, 'launched active');
    ledger.reports.clear();
    doubt();
    await untilSaid(web, 'launched active');
  });

  it('deletes a report from before that nothing explains any more', async () => {
    ledger.order(web, text, 'gone');
    startAgent();
    await untilSaid(web, 'gone inactive');
    await stopAgent();
    ledger.withdraw(web);
    startAgent();
    await ledger.until((reports) => reports.size === 0);
  });

  it.each([
    ['the unit', `${text}[X-Fleet]\nConflicts=web.*\n`, text],
    ['the orphan', text, `${text}[X-Fleet]\nConflicts=d?.service\n`],
  ])('starts no unit beside an orphan, where %s conflicts with the other', async (_, own, its) => {
    startAgent();
    ledger.order(web, its, 'launch');
    await untilSaid(web, 'launched active');
    ledger.withdraw(web);
    await ledger.until((reports) => reports.get(web)?.orphan !== undefined);
    ledger.order(db, own, 'launch'); // from a leader that does not know of the orphan
    const words = `conflicts with ${web}, which runs here without a known order`;
    await ledger.until((reports) => reports.get(db)?.problem?.includes(words) === true);
    expect(systemd.calls.filter((call) => call === `start ${db}`)).toEqual([]);
    ledger.order(web, its, 'gone');
    await untilSaid(db, 'launched active');
  });

  it.each([
    ['the one that runs', `${text}[X-Fleet]\nConflicts=d?.service\n`, text],
    ['the one to be started', text, `${text}[X-Fleet]\nConflicts=web.*\n`],
  ])(
    'starts no unit beside another with an order, where %s avoids the other',
    async (_, its, own) => {
      startAgent();
      ledger.order(web, its, 'launch');
      await untilSaid(web, 'launched active');
      ledger.order(db, own, 'launch'); // from a leader that does not understand the record of web
      const words = `conflicts with ${web}, which came to this machine first`;
      await ledger.until((reports) => reports.get(db)?.problem?.includes(words) === true);
      expect(systemd.calls).not.toContain(`start ${db}`);
      ledger.order(web, its, 'gone');
      await untilSaid(db, 'launched active');
    },
  );

  it('starts the one that was ordered first of two that conflict and come together', async () => {
    ledger.order(web, `${text}[X-Fleet]\nConflicts=d?.service\n`, 'launch');
    ledger.order(db, text, 'launch');
    startAgent();
    const words = `conflicts with ${web}, which came to this machine first`;
    await ledger.until((reports) => reports.get(db)?.problem?.includes(words) === true);
    await untilSaid(web, 'launched active');
    expect(systemd.calls).not.toContain(`start ${db}`);
  });

  it('starts nothing whose order was taken back while it waited for its turn', async () => {
    let isHeld = true;
    startAgent({
      connect: async (events) => {
        const real = await systemd.connect(events);
        return {
          ...real,
          start: async (name, signal, asked) => {
            if (isHeld) ledger.withdraw(web);
            isHeld = false;
            return real.start(name, signal, asked);
          },
        };
      },
    });
    ledger.order(web, text, 'launch');
    await vi.waitFor(() => expect(isHeld).toBe(false));
    ledger.order(db, text, 'launch');
    await untilSaid(db, 'launched active');
    expect(systemd.calls).toContain(`start ${db}`);
    expect(systemd.calls).not.toContain(`start ${web}`);
  });

  it('does not end a restart by a start when the unit is to go meanwhile', async () => {
    startAgent({
      connect: async (events) => {
        const real = await systemd.connect(events);
        return {
          ...real,
          stop: (name, signal, asked) => {
            ledger.change(web, { want: 'gone' });
            return real.stop(name, signal, asked);
          },
        };
      },
    });
    ledger.order(web, text, 'launch');
    await untilSaid(web, 'launched active');
    ledger.change(web, { restartCount: 1 });
    await untilSaid(web, 'gone inactive');
    expect(systemd.calls.filter((call) => call === `start ${web}`)).toHaveLength(1);
  });

  it('says in every request to systemd which order it is for, and why', async () => {
    startAgent();
    ledger.order(web, text, 'launch');
    await untilSaid(web, 'launched active');
    const [line] = logged.filter(({ message }) => message === 'asked systemd to start');
    expect(line?.fields).toMatchObject({ unit: web, reason: 'test ordered launch' });
    expect(line?.fields).toHaveProperty('revision');
  });

  it('writes nothing and logs nothing while nothing happens', async () => {
    startAgent();
    ledger.order(web, text, 'launch');
    await untilSaid(web, 'launched active');
    const before = [ledger.reportBatchCount, logged.length, systemd.calls.length];
    for (let count = 0; count < 5; count += 1) {
      ledger.changed();
      await new Promise((resolve) => systemClock.after(20, () => resolve(null)));
    }
    expect([ledger.reportBatchCount, logged.length, systemd.calls.length]).toEqual(before);
  });
});
