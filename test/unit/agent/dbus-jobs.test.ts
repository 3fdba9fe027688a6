import { describe, expect, it } from 'vitest';
import { DbusJobs } from '../../../src/agent/dbus-jobs.ts';
import { ManualClock, settled } from '../../builders/manual-clock.ts';

const forever = new AbortController().signal;

describe('a job of systemd', () => {
  it('ends with the signal that names it', async () => {
    const jobs = new DbusJobs(new ManualClock());
    const job = jobs.start(async () => '/job/1', forever);
    await settled();
    jobs.ended('/job/2', 'failed');
    jobs.ended('/job/1', 'done');
    expect(await job).toBe('done');
  });

  it('is not missed when its end comes before the call is answered', async () => {
    const jobs = new DbusJobs(new ManualClock());
    const answers = [Promise.withResolvers<string>(), Promise.withResolvers<string>()];
    const [first, second] = answers.map(({ promise }) => jobs.stop(() => promise, forever));
    await settled();
    jobs.ended('/job/1', 'done');
    jobs.ended('/job/2', 'timeout');
    answers[0]?.resolve('/job/1');
    answers[1]?.resolve('/job/2');
    expect([await first, await second]).toEqual(['done', 'timeout']);
  });

  it('does not inherit the end of an older job with the same path', async () => {
    const jobs = new DbusJobs(new ManualClock());
    const before = jobs.start(async () => '/job/1', forever);
    await settled();
    jobs.ended('/job/1', 'failed');
    expect(await before).toBe('failed');
    const after = jobs.start(async () => '/job/1', forever);
    await settled();
    jobs.ended('/job/1', 'done');
    expect(await after).toBe('done');
  });

  it('may have several waiters when systemd merges calls', async () => {
    const jobs = new DbusJobs(new ManualClock());
    const waiting = [1, 2].map(() => jobs.start(async () => '/job/1', forever));
    await settled();
    jobs.ended('/job/1', 'dependency');
    expect(await Promise.all(waiting)).toEqual(['dependency', 'dependency']);
  });

  it('fails for all who wait when the connection is over', async () => {
    const jobs = new DbusJobs(new ManualClock());
    const job = jobs.start(async () => '/job/1', forever);
    await settled();
    jobs.close(new Error('the bus is gone'));
    await expect(job).rejects.toThrow('the bus is gone');
    await expect(jobs.start(async () => '/job/2', forever)).rejects.toThrow('the bus is gone');
  });

  it('ends the wait on an abort, and holds its slot until systemd is done with it', async () => {
    const jobs = new DbusJobs(new ManualClock());
    const unwanted = new AbortController();
    const begun: string[] = [];
    const start = (path: string): Promise<string> =>
      jobs.start(async () => {
        begun.push(path);
        return path;
      }, unwanted.signal);
    const first = start('/job/0');
    const others = Array.from({ length: 15 }, (_none, number) => start(`/job/${number + 1}`));
    await settled();
    unwanted.abort(new Error('stopped instead'));
    await expect(first).rejects.toThrow('stopped instead');
    expect((await Promise.allSettled(others)).map(({ status }) => status)).not.toContain(
      'fulfilled',
    );
    const next = jobs.start(async () => {
      begun.push('next');
      return null;
    }, forever);
    await settled();
    expect(begun).not.toContain('next');
    jobs.ended('/job/0', 'canceled');
    expect(await next).toBe('done');
  });

  it('of stops never waits for a slot among starts', async () => {
    const jobs = new DbusJobs(new ManualClock());
    for (let number = 0; number < 40; number += 1)
      void jobs.start(async () => `/job/${number}`, forever);
    expect(await jobs.stop(async () => null, forever)).toBe('done');
  });
});
