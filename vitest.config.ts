import { defineConfig } from 'vitest/config';

/** Pure tests take seconds, but properties wait for whoever else computes. */
const minuteMs = 60_000;

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'pure',
          include: ['test/{tidy,unit,golden,property,sim}/**/*.test.ts'],
          maxWorkers: '100%', // nobody waits beside them
          testTimeout: minuteMs,
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
