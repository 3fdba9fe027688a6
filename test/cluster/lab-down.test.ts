import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { RunResult } from '../../src/lab/run.ts';
import { run } from '../../src/lab/run.ts';
import { guardLab } from '../builders/guard-lab.ts';
import { marksOf, tracesOf } from './computer.ts';
import { fleetlab, fleetlabPath, prepareCheckout, startFleetlab } from './fleetlab.ts';
import { testLabName } from './with-lab.ts';

const lab = testLabName();
const call = (...args: readonly string[]): Promise<RunResult> => fleetlab(lab, args);

let guard: ReturnType<typeof guardLab> | null = null;
beforeAll(async () => {
  await prepareCheckout();
  guard = guardLab(lab);
});
afterEach(() => call('down'));
afterAll(() => guard?.stdin?.end());

/** Starts `up` and ends it with `signal` as soon as its words match. */
async function interruptUp(at: RegExp, signal: NodeJS.Signals): Promise<string> {
  let words = '';
  let isSent = false;
  const up = startFleetlab(lab, ['up'], (heard) => {
    words += heard;
    if (isSent || !at.test(words)) return;
    isSent = up.child.kill(signal);
  });
  await up.ended;
  return words;
}

describe('fleetlab down', () => {
  it('leaves nothing of a lab that was up, killed and stopped machines included', async () => {
    expect((await call('up')).status).toBe(0);
    await call('kill', 'm2');
    await call('poweroff', 'm3');
    const marks = marksOf(lab);
    expect(tracesOf(marks).join('\n')).toMatch(/process .*\n(.*\n)*namespace flab\d+-m1\n/);
    const down = await call('down');
    expect([down.status, down.stderr]).toEqual([0, expect.stringContaining('is down')]);
    expect(tracesOf(marks)).toEqual([]);
  });

  it('says so when there is nothing to take down', async () => {
    const down = await call('down');
    expect([down.status, down.stderr]).toEqual([0, expect.stringContaining('nothing to take')]);
  });

  for (const signal of ['SIGINT', 'SIGKILL'] as const) {
    for (const at of [/making/, /m1 started/, /m3 started/, /systemd running/, /etcd healthy/]) {
      it(`leaves nothing of an up that ${signal} ended at '${at.source}'`, async () => {
        await interruptUp(at, signal);
        const marks = marksOf(lab);
        expect(tracesOf(marks)).not.toEqual([]);
        expect((await call('down')).status).toBe(0);
        expect(tracesOf(marks)).toEqual([]);
      });
    }
  }

  it('is what an interrupted up advises, and a second up insists on', async () => {
    expect(await interruptUp(/m1 started/, 'SIGINT')).toContain(`'${fleetlabPath} down' removes`);
    const again = await call('up');
    expect(again.status).toBe(1);
    expect(again.stderr).toContain(`'${fleetlabPath} down' removes them`);
  });

  it('works when the record of the lab is damaged', async () => {
    await interruptUp(/m3 started/, 'SIGKILL');
    const marks = marksOf(lab);
    await run(['sh', '-c', `echo '{' > /var/lib/flotilla-lab/${lab}/lab.json`]);
    expect((await call('status')).stderr).toContain('cannot be read');
    expect((await call('down')).status).toBe(0);
    expect(tracesOf(marks)).toEqual([]);
  });

  it('waits for an up that is at work, and says for whom it waits', async () => {
    let words = '';
    const up = startFleetlab(lab, ['up'], (heard) => {
      words += heard;
    });
    await expect.poll(() => words, { timeout: 30_000 }).toContain('making');
    const down = await call('down');
    expect(await up.ended).toBe(0);
    expect(down.stderr).toContain(`waiting for fleetlab up (pid ${up.child.pid}) to end`);
    expect(down.stderr).toContain('is down');
  });
});

describe('fleetlab with etcd on this computer', () => {
  it('runs one etcd for all, which goes down with the lab', async () => {
    const up = await call('up', '--machines', '3', '--etcd', 'shared');
    expect(up.status).toBe(0);
    expect((await call('env')).stdout).toMatch(/ETCDCTL_ENDPOINTS=http:\/\/10\.88\.\d+\.1:2379$/m);
    const marks = marksOf(lab);
    expect((await call('down')).status).toBe(0);
    expect(tracesOf(marks)).toEqual([]);
  });

  it('says so when fewer than three machines make it necessary', async () => {
    const up = await call('up', '--machines', '2');
    expect([up.status, up.stderr]).toEqual([0, expect.stringContaining('one shared etcd')]);
  });
});

describe('fleetlab without what it needs', () => {
  it('tells who is not root to become root, and does nothing', async () => {
    const asNobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
    const up = await run([...asNobody, 'env', `FLEETLAB_NAME=${lab}`, fleetlabPath, 'up']);
    expect([up.status, up.stdout]).toEqual([1, '']);
    expect(up.stderr).toContain('only root');
    expect(up.stderr).toContain(`sudo ${fleetlabPath} up`);
    expect(tracesOf({ lab, index: 'none' })).toEqual([]);
  });

  it('takes a mistake on its command line for one: status 2, what is wrong, the next step, no help text', async () => {
    for (const args of [['up', '--machines', '51'], ['up', '--etcd', 'none'], ['fly'], ['kill']]) {
      const answer = await call(...args);
      expect([args, answer.status]).toEqual([args, 2]);
      expect(answer.stderr).toMatch(/^fleetlab: .+\nfleetlab: .+\n$/);
    }
  });
});
