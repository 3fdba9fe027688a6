// What bench/parts/memory.ts weighs for the cost of a unit: the registry and the agent of a
// daemon, real ones, on a systemd of paper. `node --expose-gc agent-subject.ts ENDPOINT COUNT…`
// prints one line of JSON for each count: the bytes that are in use with so many units at rest.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { runAgent } from '../src/agent/agent.ts';
import { systemClock } from '../src/lib/clock.ts';
import type { BootId, MachineId, UnitIdentity } from '../src/model/ids.ts';
import { orderCodec } from '../src/registry/codec.ts';
import { connectRegistry } from '../src/registry/connect-registry.ts';
import { readWhole } from '../src/registry/paged-read.ts';
import type { Op } from '../src/registry/store.ts';
import { contentHash, type UnitHash } from '../src/unitfile/unit-hash.ts';
import type { UnitName } from '../src/unitfile/unit-name.ts';
import { PaperSystemd } from '../test/builders/paper-systemd.ts';

const [endpoint = '', ...counts] = process.argv.slice(2);
const never = new AbortController().signal;
const id = 'c'.repeat(32) as MachineId;
const bootId = 'boot' as BootId;
const access = { endpoints: [endpoint], tls: null, login: null, requestTimeoutMs: 5_000 };
const registry = connectRegistry(
  {
    ...{ keyPrefix: `/bench-agent-${process.pid}/`, ttlMs: 10_000, clock: systemClock },
    self: {
      ...{ id, bootId, address: '10.0.0.1', version: 'bench' },
      ...{ metadata: new Map(), leaving: false },
    },
  },
  access,
);
const root = mkdtempSync(join(tmpdir(), 'flotilla-bench-agent-'));
const systemd = new PaperSystemd(root);
process.once('exit', () => rmSync(root, { recursive: true }));
void weighAll().finally(() => process.exit());

async function weighAll(): Promise<void> {
  await registry.cluster.settle({ clusterId: null, epoch: null, revision: null }, 'bench', never);
  await registry.registration.join(never);
  void registry.ledger.run(never);
  startAgent();
  let before = 0;
  for (const count of counts.map(Number)) {
    await give(before, count);
    while ((await activeCount()) < count) await sleep(100);
    before = count;
    process.stdout.write(`${JSON.stringify({ unitCount: count, bytes: await bytesInUse() })}\n`);
  }
}

function startAgent(): void {
  mkdirSync(join(root, 'run/systemd/system'), { recursive: true });
  const silent = (): void => undefined;
  const options = {
    connect: systemd.connect.bind(systemd),
    ledger: registry.ledger,
    clock: systemClock,
    log: { debug: silent, info: silent, warn: silent, error: silent },
    paths: {
      ...{ root, unitsDirectory: '/run/fleet/units', stateDirectory: '/run/fleet' },
      runtimeDirectory: '/run/systemd/system',
    },
    bootId,
    onShutdown: silent,
    lease: registry.lease,
    uptimeMs: () => systemClock.nowMs(),
  };
  void runAgent(options, never);
}

/** Orders for the units from one number to another, each with a text of its own. */
async function give(from: number, to: number): Promise<void> {
  const { store, keys } = registry;
  for (let first = from; first < to; first += 50) {
    const ops = Array.from({ length: Math.min(50, to - first) }, (_, at) => orderOps(first + at));
    await store.txn({ onlyIf: [], writes: ops.flat() }, never);
  }

  function orderOps(number: number): Op[] {
    const name = `service-${String(number).padStart(5, '0')}.service` as UnitName;
    const text = `[Service]\nEnvironment=NUMBER=${number}\nExecStart=/usr/bin/sleep infinity\n`;
    const order = {
      ...{ identity: crypto.randomUUID() as UnitIdentity, contentHash: contentHash(text) },
      ...{ unitHash: contentHash(text).slice(0, 40) as UnitHash, want: 'launch' as const },
      ...{ restartCount: 0, after: [], reason: 'least loaded' },
    };
    const [key, textKey] = [keys.order(id, name), keys.text(order.contentHash)];
    return [
      { kind: 'put', key: textKey, value: text, leaseId: null },
      { kind: 'put', key, value: orderCodec.encode(order), leaseId: null },
    ];
  }
}

async function activeCount(): Promise<number> {
  const ranges = [{ range: registry.keys.reportsOf(id), keysOnly: false }];
  const { items } = await readWhole(registry.store, { ranges, revision: null }, never);
  return items.filter(({ value }) => value.includes('"active":"active"')).length;
}

/** What lives on after several collections, with what paper remembers of calls thrown away. */
async function bytesInUse(): Promise<number> {
  systemd.calls.length = 0;
  for (let pass = 0; pass < 6; pass += 1) {
    globalThis.gc?.();
    await sleep(50);
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
