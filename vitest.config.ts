import { defineConfig } from 'vitest/config';

/** Tests that boot machines or start etcd get minutes; pure ones get seconds. */
const minuteMs = 60_000;

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'pure',
          include: ['test/{tidy,unit,golden,property,sim}/**/*.test.ts'],
          maxWorkers: '100%', // nobody waits beside them
          testTimeout: 20_000,
        },
      },
      {
        test: {
          name: 'contract',
          include: ['test/contract/**/*.test.ts'],
          // They wait for leases and timeouts most of the time, each beside an etcd of its own.
          maxWorkers: 4,
          testTimeout: minuteMs,
          hookTimeout: minuteMs,
        },
      },
      {
        test: {
          name: 'cluster',
          include: ['test/cluster/**/*.test.ts'],
          testTimeout: 5 * minuteMs,
          hookTimeout: 5 * minuteMs,
          // Each file boots a lab of its own, and waits most of the time: for leases, above all.
          maxWorkers: 3,
        },
      },
    ],
  },
});
