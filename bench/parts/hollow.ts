// A cluster of machines without computers on a real etcd: units through the API of a real fleetd
// until all are active, then some machines lost at once. Beside the rate stands what the same etcd
// takes in the same run, of the same keys in transactions as large as they get, with nobody there.
import { fileURLToPath } from 'node:url';
import type { HollowResult } from '../../src/lab/hollow/result.ts';
import { run } from '../../src/lab/run.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { EtcdStore } from '../../src/registry/etcd-store.ts';
import { limits } from '../../src/registry/limits.ts';
import type { Op } from '../../src/registry/store.ts';
import { type EtcdServer, startEtcd } from '../../test/contract/etcd-server.ts';
import { atLeast, atMostAbove, told } from '../goal.ts';
import type { BenchPart, Figure, Row, Size } from '../part.ts';

const never = new AbortController().signal;
const fleetlab = fileURLToPath(new URL('../../dist/bin/fleetlab.cjs', import.meta.url));
const runMsMax = 30 * 60_000;

const sizes: Readonly<Record<Size, readonly string[]>> = {
  full: ['--machines', '1000', '--units', '20000', '--fail', '10', '--agent-ttl', '30s'],
  small: ['--machines', '20', '--units', '200', '--fail', '2', '--agent-ttl', '5s'],
};

/** What `npm run bench -- hollow` runs. */
export const part: BenchPart = {
  measures: 'a thousand machines without computers on one etcd: starts, failover, requests',
  async measure({ size, say }) {
    const etcd = await startEtcd();
    try {
      const asked = ['--etcd', etcd.endpoint, ...sizes[size], '-o', 'json'];
      say(`fleetlab hollow ${asked.join(' ')}`);
      const ran = await run([process.execPath, fleetlab, 'hollow', ...asked], {
        timeoutMs: runMsMax,
      });
      if (ran.status !== 0) throw new Error(`fleetlab hollow: ${ran.stderr}`);
      const result = JSON.parse(ran.stdout) as HollowResult;
      say(`the keys of ${result.unitCount} units into the same etcd, by themselves`);
      return rowsOf(result, await bareRate(etcd, result.unitCount));
    } finally {
      await etcd.stop();
    }
  },
};

function rowsOf(result: HollowResult, bare: Figure): readonly Row[] {
  const { machineCount, unitCount, registered, started, lost, resting } = result;
  if (started === null || lost === null) throw new Error('no units were started');
  const size = `${unitCount} units, ${machineCount} machines`;
  const { etcdMs, fleetdMs, machinesMs, fleetlabMs } = started.cpu;
  const calls = Object.values(started.etcdCalls).reduce((sum, count) => sum + count, 0);
  const each = (what: string, ms: number): Row =>
    told({ what: `${size}: processor time of ${what}`, value: ms / unitCount, unit: 'ms a unit' });
  const renewals = (resting.etcdCalls['LeaseKeepAlive'] ?? 0) / (resting.tookMs / 1_000);
  return [
    told({
      what: `${machineCount} machines: registered`,
      value: (machineCount * 1_000) / registered.tookMs,
      unit: '/s',
    }),
    atLeast(
      {
        what: `${size}: first PUT to last active`,
        value: (unitCount * 1_000) / started.tookMs,
        unit: '/s',
      },
      2_000,
      bare,
    ),
    told({ what: `${size}: calls of etcd`, value: calls / unitCount, unit: 'a unit' }),
    each('fleetd', fleetdMs),
    each('the machines', machinesMs),
    each('etcd', etcdMs),
    each('the clients', fleetlabMs),
    atMostAbove(
      {
        what: `${size}: machines lost at once, last unit active`,
        value: (lost.expiredMs + lost.recoveredMs) / 1_000,
        unit: 's',
      },
      2,
      { what: 'last lease expired', value: lost.expiredMs / 1_000, unit: 's' },
    ),
    told(
      {
        what: `${machineCount} machines: calls of etcd at rest`,
        value:
          Object.values(resting.etcdCalls).reduce((sum, count) => sum + count, 0) /
          (resting.tookMs / 1_000),
        unit: '/s',
      },
      { what: 'renewals among them', value: renewals, unit: '/s' },
    ),
  ];
}

/** What a unit leaves in the store: its record, text, placement, order and report. */
const kinds = ['units', 'text', 'placement', 'work', 'state'];

async function bareRate(etcd: EtcdServer, unitCount: number): Promise<Figure> {
  const access = { endpoints: [etcd.endpoint], tls: null, login: null, requestTimeoutMs: 10_000 };
  const store = new EtcdStore(access, systemClock);
  const value = 'x'.repeat(250); // as long as they are in the middle
  const ops = Array.from({ length: unitCount }, (_, number) =>
    kinds.map((kind): Op => {
      return { kind: 'put', key: `/bare/${kind}/hollow-${number}.service`, value, leaseId: null };
    }),
  ).flat();
  const beganAtMs = systemClock.nowMs();
  try {
    for (let start = 0; start < ops.length; start += limits.batchOpsMax) {
      const writes = ops.slice(start, start + limits.batchOpsMax);
      await store.txn({ onlyIf: [], writes }, never);
    }
  } finally {
    store.close();
  }
  const tookMs = systemClock.nowMs() - beganAtMs;
  return { what: 'the keys alone', value: (unitCount * 1_000) / tookMs, unit: '/s' };
}
