import { expect, test } from 'vitest';
import { systemClock } from '../../../src/lib/clock.ts';
import { KeeperThread } from '../../../src/registry/keeper-thread.ts';
import type { LeaseId } from '../../../src/registry/store.ts';

test('a keeper thread that fails is told of and started again, with the lease that it kept', async () => {
  const keeper = new KeeperThread({
    // Says what it was told to keep, and fails.
    code: {
      kind: 'text',
      text: `const { parentPort } = require('node:worker_threads');
        parentPort.on('message', ({ kind, number, atOnce }) => {
          if (kind !== 'keep') return;
          if (!atOnce) process.exit(3);
          parentPort.postMessage({ kind: 'answered', number, sentAtMs: 4, atMs: 5 });
        });`,
    },
    ...{ endpoints: ['http://127.0.0.1:1'], tls: null, login: null, firstMember: 0 },
    ...{ wedgeMs: 15_000, leaderKey: 'leader', clock: systemClock },
  });
  const problems: string[] = [];
  const answers: number[] = [];
  keeper.keep(
    { leaseId: '7' as LeaseId, ttlMs: 3_000 },
    {
      answered: ({ atMs }) => void answers.push(atMs),
      failed: (problem) => void problems.push(problem),
      gone: () => void problems.push('gone'),
    },
  );
  await expect.poll(() => answers, { timeout: 10_000 }).toEqual([5]);
  expect(problems).toEqual(['the keeper thread failed: ended with status 3']);
  expect(keeper.counts().restartCount).toBe(1);
  keeper.close();
});
