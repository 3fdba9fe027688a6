// hollow: machines of a cluster without computers, for `fleetlab hollow`, which starts this program.
// Wires registry, membership and agent together as the daemon does; decides nothing of its own.
// Start here, then hollow-machine.ts; what goes to and fro is in ../lab/hollow/words.ts.
import type { HollowOrder, HollowReport } from '../lab/hollow/words.ts';
import { HollowProcess } from './hollow-process.ts';

const countsEveryMs = 100;

let life: HollowProcess | null = null;
let ticking: NodeJS.Timeout | undefined;

function tell(report: HollowReport): void {
  // Whoever listened may have gone a moment ago.
  process.send?.(report, undefined, undefined, () => undefined);
}

async function obey(order: HollowOrder): Promise<void> {
  switch (order.kind) {
    case 'start': {
      const machines = new HollowProcess(order, tell);
      life = machines;
      ticking = setInterval(
        () => tell({ kind: 'counts', counts: machines.counts() }),
        countsEveryMs,
      );
      return await machines.run();
    }
    case 'fail':
      return await life?.fail(order.numbers);
    case 'list':
      return life?.list();
    case 'leave':
      return await leave();
  }
}

async function leave(): Promise<void> {
  clearInterval(ticking);
  const machines = life;
  life = null;
  await machines?.leave();
  if (process.connected) process.disconnect();
}

// Ctrl-C goes to the whole group: whoever started this says when to leave.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => undefined);
// Without whoever started it there is nobody to work for.
process.on('disconnect', () => void leave().finally(() => process.exit()));
process.on('message', (order: HollowOrder) => {
  void obey(order).catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
    process.exit(1);
  });
});
