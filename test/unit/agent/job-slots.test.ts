import { describe, expect, it } from 'vitest';
import { JobSlots } from '../../../src/agent/job-slots.ts';
import { ManualClock, settled } from '../../builders/manual-clock.ts';

const limits = { fastCountMax: 2, fastMsMax: 2_000, slowCountMax: 1 };

/** Jobs that begin when they get a slot and end when told to. */
class Jobs {
  readonly clock = new ManualClock();
  readonly slots = new JobSlots(limits, this.clock);
  readonly begun: string[] = [];
  readonly #ends = new Map<string, () => void>();

  add(name: string, signal = new AbortController().signal): Promise<void> {
    return this.slots.run(() => {
      this.begun.push(name);
      return new Promise((resolve) => this.#ends.set(name, resolve));
    }, signal);
  }

  async end(name: string): Promise<void> {
    this.#ends.get(name)?.();
    await settled();
  }
}

describe('job slots', () => {
  it('let so many jobs run and the next ones follow in order', async () => {
    const jobs = new Jobs();
    for (const name of ['a', 'b', 'c', 'd']) void jobs.add(name);
    await settled();
    expect(jobs.begun).toEqual(['a', 'b']);
    await jobs.end('b');
    expect(jobs.begun).toEqual(['a', 'b', 'c']);
    await jobs.end('a');
    await jobs.end('c');
    await jobs.end('d');
    expect([jobs.begun.join(''), jobs.slots.count]).toEqual(['abcd', 0]);
    expect(jobs.clock.pendingCount).toBe(0);
  });

  it('move a job that lasts out of the way, as long as there is room for slow ones', async () => {
    const jobs = new Jobs();
    for (const name of ['slow1', 'slow2', 'c', 'd', 'e']) void jobs.add(name);
    await jobs.clock.pass(1_999);
    expect(jobs.begun).toEqual(['slow1', 'slow2']);
    await jobs.clock.pass(1);
    expect(jobs.begun).toEqual(['slow1', 'slow2', 'c']); // one slow slot only
    expect(jobs.slots.count).toBe(3);
    await jobs.end('c');
    expect(jobs.begun).toContain('d');
    await jobs.end('slow1'); // slow2 takes its place, and e the fast slot of slow2
    expect(jobs.begun).toContain('e');
    for (const name of ['slow2', 'd', 'e']) await jobs.end(name);
    expect(jobs.slots.count).toBe(0);
  });

  it('give up the turn of a job that is not wanted any more', async () => {
    const jobs = new Jobs();
    const unwanted = new AbortController();
    void jobs.add('a');
    void jobs.add('b');
    const given = jobs.add('c', unwanted.signal);
    void jobs.add('d');
    unwanted.abort(new Error('another order came'));
    await expect(given).rejects.toThrow('another order came');
    await jobs.end('a');
    await jobs.end('b');
    await jobs.end('d');
    expect(jobs.begun).toEqual(['a', 'b', 'd']);
    expect(jobs.slots.count).toBe(0);
    await expect(jobs.add('e', unwanted.signal)).rejects.toThrow('another order came');
  });

  it('are given back by jobs that fail', async () => {
    const { slots } = new Jobs();
    const signal = new AbortController().signal;
    const fails = slots.run(() => Promise.reject(new Error('no bus')), signal);
    await expect(fails).rejects.toThrow('no bus');
    expect(slots.count).toBe(0);
  });
});
