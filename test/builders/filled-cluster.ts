import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createApi } from '../../src/api/server.ts';
import { NoticeBoard } from '../../src/daemon/notice-board.ts';
import { orphanNotices } from '../../src/daemon/orphan-notices.ts';
import { systemClock } from '../../src/lib/clock.ts';
import type { BootId, MachineId } from '../../src/model/ids.ts';
import type { Machine } from '../../src/model/machine.ts';
import { machineCodec, placementCodec, reportCodec } from '../../src/registry/codec.ts';
import { connectRegistry, type Registry } from '../../src/registry/connect-registry.ts';
import type { Op } from '../../src/registry/store.ts';
import { readRequirements } from '../../src/unitfile/requirements.ts';
import { parseUnitFile, unitOptions } from '../../src/unitfile/unit-file.ts';
import { contentHash, unitHash } from '../../src/unitfile/unit-hash.ts';
import type { UnitName } from '../../src/unitfile/unit-name.ts';
import { startEtcd } from '../contract/etcd-server.ts';
import { captureLog } from './api-server.ts';

const never = new AbortController().signal;

/** A large cluster at rest, its API on a socket. */
export interface FilledCluster {
  readonly socketPath: string;
  [Symbol.asyncDispose](): Promise<void>;
}

/** A real etcd and the real API; what machines would have reported is written by hand. */
export async function aFilledCluster(size: {
  readonly unitCount: number;
  readonly machineCount: number;
}): Promise<FilledCluster> {
  const machines = Array.from({ length: size.machineCount }, (_, index) => aMachine(index));
  const folder = mkdtempSync(join(tmpdir(), 'flotilla-filled-'));
  const socketPath = join(folder, 'fleet.sock');
  const etcd = await startEtcd();
  const registry = connectRegistry(
    { keyPrefix: '/filled', ttlMs: 10_000, self: aMachine(0), clock: systemClock },
    { endpoints: [etcd.endpoint], tls: null, login: null, requestTimeoutMs: 5_000 },
  );
  await registry.cluster.settle({ clusterId: null, epoch: null, revision: null }, 'filled', never);
  await fill(registry, machines, size.unitCount);
  const { log } = captureLog();
  const { catalog } = registry;
  const notices = new NoticeBoard(log);
  notices.addAsked('orphans', (signal) => orphanNotices(catalog, signal));
  const api = await createApi({ catalog, log, version: 'filled', notices });
  const server = createServer(api.requestListener);
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  return {
    socketPath,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await api.close();
      registry.close();
      await etcd.stop();
      rmSync(folder, { recursive: true });
    },
  };
}

/** A script for `node -e`: reads every page one after the other, as simply as Node can. */
export function bareReading(socketPath: string, paths: readonly string[]): string {
  return `
const { request } = require('node:http');
const get = (path) => new Promise((resolve, reject) => {
  request({ socketPath: ${JSON.stringify(socketPath)}, path }, (answer) => {
    const parts = [];
    answer.on('data', (part) => parts.push(part));
    answer.on('end', () => resolve(JSON.parse(Buffer.concat(parts))));
  }).on('error', reject).end();
});
(async () => {
  for (const name of ${JSON.stringify(paths)}) {
    const path = '/fleet/v1/' + name + (name.includes('?') ? '&' : '?') + 'limit=5000';
    let token = '';
    do {
      const page = await get(path + token);
      token = page.nextPageToken && '&nextPageToken=' + encodeURIComponent(page.nextPageToken);
    } while (token);
  }
  process.exit(0);
})();`;
}

async function fill(
  { store, keys, catalog }: Registry,
  machines: readonly Machine[],
  unitCount: number,
): Promise<void> {
  const ops: Op[] = machines.map((machine) => ({
    ...{ kind: 'put', key: keys.machine(machine.id), value: machineCodec.encode(machine) },
    leaseId: null,
  }));
  for (let index = 0; index < unitCount; index += 50) {
    const numbers = Array.from({ length: Math.min(50, unitCount - index) }, (_, at) => index + at);
    await Promise.all(numbers.map((number) => catalog.submit(aSubmission(number), never)));
    ops.push(...(await Promise.all(numbers.map(stateOf))).flat());
  }
  for (let start = 0; start < ops.length; start += 100) {
    await store.txn({ onlyIf: [], writes: ops.slice(start, start + 100) }, never);
  }

  async function stateOf(number: number): Promise<Op[]> {
    const { name, unitHash: hash } = aSubmission(number);
    const view = await catalog.readUnit(name, never);
    const machine = machines[number % machines.length]?.id;
    if (view === null || machine === undefined) throw new Error(`${name} was not stored`);
    const { identity } = view.record;
    const words = { load: 'loaded', active: 'active', sub: 'running', problem: null };
    const report = { identity, unitHash: hash, current: 'launched' as const, ...words };
    const placement = { machine, identity, sinceMs: 1, reason: 'least loaded' };
    const value = placementCodec.encode({ ...placement, objections: [], refusals: [] });
    return [
      { kind: 'put', key: keys.placement(name), value, leaseId: null },
      {
        ...{ kind: 'put', key: keys.report(machine, name), value: reportCodec.encode(report) },
        leaseId: null,
      },
    ];
  }
}

function aSubmission(number: number): Parameters<Registry['catalog']['submit']>[0] {
  const name = `service-${String(number).padStart(5, '0')}.service` as UnitName;
  const text = [
    `[Unit]\nDescription=Number ${number}\nAfter=network-online.target`,
    `[Service]\nEnvironment=NUMBER=${number}\nExecStart=/usr/bin/sleep infinity\nRestart=always`,
    `[X-Fleet]\nConflicts=other-${number}@*.service\n`,
  ].join('\n\n');
  const file = parseUnitFile(text);
  if (!file.ok) throw new Error('the unit is not understood');
  const read = readRequirements(file.value, name);
  if (!read.ok) throw new Error('its requirements are not understood');
  const { requirements } = read.value;
  const hashes = { unitHash: unitHash(unitOptions(file.value)), contentHash: contentHash(text) };
  return { name, text, ...hashes, requirements, oneshot: false, desired: 'launched' };
}

function aMachine(index: number): Machine {
  const id = String(index).repeat(32).slice(0, 32) as MachineId;
  const bootId = `boot-${index}` as BootId;
  const address = `10.0.0.${index + 1}`;
  return { id, bootId, address, version: 'bench', metadata: new Map(), leaving: false };
}
