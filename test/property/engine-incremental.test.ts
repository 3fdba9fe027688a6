import fc from 'fast-check';
import { test } from 'vitest';
import { bothPlanners } from '../builders/both-planners.ts';
import { anyStory, happen } from '../builders/cluster-story.ts';
import { SimulatedCluster } from '../builders/simulated-cluster.ts';
import { anyStory as anyStrangeStory, StrangeCluster } from '../builders/strange-story.ts';

const runs = { numRuns: Number(process.env['FLOTILLA_RUNS'] ?? 200) };

test('asking only about what may have changed comes to the same plan as asking about all', () => {
  fc.assert(
    fc.property(anyStory, (story) => {
      const cluster = new SimulatedCluster();
      cluster.planned = bothPlanners();
      for (const event of story) {
        happen(cluster, event);
        cluster.plan(0); // what nobody writes is planned again
      }
    }),
    runs,
  );
});

test('and so it does in a cluster with orphans, holds, brakes and what nobody understands', () => {
  fc.assert(
    fc.property(anyStrangeStory, (story) => {
      const cluster = new StrangeCluster(bothPlanners());
      for (const event of story) {
        cluster.happen(event);
        cluster.plan(0);
      }
    }),
    runs,
  );
});
