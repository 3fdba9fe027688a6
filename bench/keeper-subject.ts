// What bench/parts/keeper.ts runs and weighs: the registry of a daemon, joined and idle.
// `node keeper-subject.cjs ENDPOINT thread|loop`
import { systemClock } from '../src/lib/clock.ts';
import type { BootId, MachineId } from '../src/model/ids.ts';
import { connectRegistry } from '../src/registry/connect-registry.ts';
import { KeeperThread } from '../src/registry/keeper-thread.ts';

declare const FLOTILLA_KEEPER: string;

const [endpoint = '', how = ''] = process.argv.slice(2);
const never = new AbortController().signal;
const access = { endpoints: [endpoint], tls: null, login: null, requestTimeoutMs: 1_000 };
const id = (how === 'thread' ? 'a' : 'b').repeat(32) as MachineId;
const registry = connectRegistry(
  {
    ...{ keyPrefix: `/bench-${how}-${process.pid}/`, ttlMs: 3_000, clock: systemClock },
    self: {
      ...{ id, bootId: 'boot' as BootId, address: '10.0.0.1', version: 'bench' },
      ...{ metadata: new Map(), leaving: false },
    },
  },
  access,
  how === 'thread' ? aThread() : null,
);

void begin();

async function begin(): Promise<void> {
  const memory = { clusterId: null, epoch: null, revision: null };
  await registry.cluster.settle(memory, 'bench', never);
  await registry.registration.join(never);
  void registry.ledger.run(never);
  process.stdout.write('joined\n');
}

function aThread(): KeeperThread {
  return new KeeperThread({
    ...{ code: { kind: 'text', text: FLOTILLA_KEEPER }, clock: systemClock },
    ...{ endpoints: [endpoint], tls: null, login: null },
    ...{ firstMember: 0, wedgeMs: 60_000, leaderKey: '/bench/engine/leader' },
  });
}
