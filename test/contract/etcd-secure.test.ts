import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readConfig } from '../../src/daemon/config.ts';
import { keeperFrom } from '../../src/daemon/open-keeper.ts';
import { registryFrom } from '../../src/daemon/open-registry.ts';
import type { Settings } from '../../src/daemon/settings.ts';
import type { BootId, MachineId } from '../../src/model/ids.ts';
import type { Registry } from '../../src/registry/connect-registry.ts';
import type { LeaseId } from '../../src/registry/store.ts';
import { type KeyPair, makeAuthority, type TestAuthority } from './certificates.ts';
import { type EtcdServer, startEtcd } from './etcd-server.ts';
import { keeperFile } from './keeper-code.ts';
import { aName, aReport, aSubmission, ordering } from './ledger-subject.ts';

const run = promisify(execFile);
const never = new AbortController().signal;

let authority: TestAuthority;
let server: KeyPair;
let client: KeyPair;
const registries: Registry[] = [];

beforeAll(async () => {
  authority = await makeAuthority();
  server = await authority.issue('server');
  client = await authority.issue('client');
});
afterAll(async () => {
  for (const registry of registries) registry.close();
  await authority.remove();
});

function settingsOf(lines: readonly string[]): Settings {
  const fileText = ['public_ip=10.0.0.1', 'agent_ttl=3s', ...lines].join('\n');
  const config = readConfig({ fileName: 'fleet.conf', fileText, environment: {} });
  if (!config.ok) throw new Error(config.error.join('\n'));
  return config.value.settings;
}

/** The registry of a machine whose fleet.conf has these lines. */
function registryWith(lines: readonly string[], machine = 'a'): Registry {
  const identity = { id: machine.repeat(32) as MachineId, bootId: `boot-${machine}` as BootId };
  const settings = settingsOf(lines);
  const registry = registryFrom(settings, identity, keeperFrom(settings, keeperFile));
  registries.push(registry);
  return registry;
}

const unremembered = { clusterId: null, epoch: null, revision: null };

/** Everything that a daemon asks of etcd: transactions, lease, watches, election, reports. */
async function useAll(registry: Registry, unit: string): Promise<void> {
  const ending = new AbortController();
  const { signal } = ending;
  expect(await registry.cluster.settle(unremembered, 'ours', signal)).toMatchObject({
    kind: 'join',
  });
  expect(await registry.registration.join(signal)).toEqual({ kind: 'registered' });
  const following = registry.ledger.run(signal);
  const session = await registry.election.lead(signal);
  const me = registry.registration.machine;
  expect(await registry.catalog.submit(aSubmission(unit), signal)).toBe('created');
  const ordered = new Promise<void>((resolve) => {
    registry.ledger.onChange(() => {
      if (registry.ledger.orderBook()?.orders.has(aName(unit))) resolve();
    });
  });
  for (let outcome: string | undefined; outcome !== 'committed'; ) {
    outcome = await session?.commit([ordering(me, unit)], signal);
  }
  await ordered;
  await registry.ledger.report(new Map([[aName(unit), aReport('active')]]), signal);
  await session?.close();
  ending.abort();
  await following;
}

const soon = { timeout: 15_000 } as const;

/** The main loop stands still for two TTLs: the keeper thread is on its own. */
async function blockWhileLeading(registry: Registry): Promise<void> {
  expect(await registry.registration.join(never)).toEqual({ kind: 'registered' });
  const leaseId = registry.lease.id;
  const session = await registry.election.lead(never);
  const renewalCount = () => registry.store.counts().get('renewal')?.sentCount ?? 0;
  await expect.poll(renewalCount, soon).toBeGreaterThan(0);
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 6_000);
  await expect.poll(() => session?.isLive(), soon).toBe(false);
  await expect.poll(() => registry.keeper.counts().stoodDownCount, soon).toBe(1);
  expect(leaseId).not.toBeNull();
  expect(registry.lease.id).toBe(leaseId);
  expect(await registry.store.inspectLease(leaseId ?? ('0' as LeaseId), never)).not.toBeNull();
}

describe('an etcd with client certificates', () => {
  let etcd: EtcdServer;
  let tls: readonly string[];
  beforeAll(async () => {
    etcd = await startEtcd({ ca: authority.ca, ...server });
    tls = [`etcd_servers=${etcd.endpoint}`, `etcd_cafile=${authority.ca}`];
  });
  afterAll(() => etcd.stop());
  const ours = () => [...tls, `etcd_certfile=${client.cert}`, `etcd_keyfile=${client.key}`];

  test('serves a daemon with everything that it asks for', async () => {
    const registry = registryWith(ours());
    await useAll(registry, 'a.service');
    await registry.lease.release(never);
  });

  test('is reached by the keeper thread too, with the same certificates', async () => {
    const registry = registryWith(ours(), 'f');
    await registry.cluster.settle(unremembered, 'ours', never);
    await blockWhileLeading(registry);
    await registry.lease.release(never);
  });

  test('is waited for by a daemon without a certificate', async () => {
    const asked = registryWith(tls, 'b').cluster.settle(unremembered, 'other', never);
    await expect(asked).rejects.toMatchObject({
      trouble: { code: expect.stringMatching(/^registry\//), retry: 'soon' },
    });
  });

  test('is not trusted when another authority signed for it', async () => {
    const other = await makeAuthority();
    const mine = await other.issue('client');
    const lines = [
      `etcd_servers=${etcd.endpoint}`,
      `etcd_cafile=${other.ca}`,
      `etcd_certfile=${mine.cert}`,
      `etcd_keyfile=${mine.key}`,
    ];
    const asked = registryWith(lines, 'c').cluster.settle(unremembered, 'other', never);
    await expect(asked).rejects.toMatchObject({ trouble: { retry: 'soon' } });
    await other.remove();
  });

  test('answers again after its restart', async () => {
    const registry = registryWith(ours(), 'd');
    await registry.cluster.settle(unremembered, 'ours', never);
    await etcd.restart();
    await answersAgain(registry);
  });
});

describe.each([
  ['plain', false],
  ['with client certificates as well', true],
])('an etcd with users, %s', (_how, isSecure) => {
  let etcd: EtcdServer;
  let place: readonly string[];
  beforeAll(async () => {
    etcd = await startEtcd(isSecure ? { ca: authority.ca, ...server } : null);
    place = [
      `etcd_servers=${etcd.endpoint}`,
      ...(isSecure
        ? [
            `etcd_cafile=${authority.ca}`,
            `etcd_certfile=${client.cert}`,
            `etcd_keyfile=${client.key}`,
          ]
        : []),
    ];
    await makeUsers(etcd, isSecure);
  });
  afterAll(() => etcd.stop());
  const asFleet = () => [...place, 'etcd_username=fleet', 'etcd_password=p,a=s"s'];

  test('serves a user that has only etcd_key_prefix, everything that it asks for', async () => {
    const registry = registryWith(asFleet());
    await useAll(registry, 'a.service');
    await registry.lease.release(never);
  });

  test('is reached by the keeper thread too, as that user', async () => {
    const registry = registryWith(asFleet(), 'f');
    await registry.cluster.settle(unremembered, 'ours', never);
    await blockWhileLeading(registry);
    await registry.lease.release(never);
  });

  test.each([
    ['another password', ['etcd_username=fleet', 'etcd_password=wrong']],
    ['no rights on the prefix', ['etcd_username=other', 'etcd_password=other']],
  ])('refuses %s, and the hint says where to look', async (_what, login) => {
    const registry = registryWith([...place, ...login], 'b');
    const asked = registry.cluster.settle(unremembered, 'other', never);
    await expect(asked).rejects.toMatchObject({
      trouble: {
        code: 'registry/refused',
        hint: expect.stringContaining('etcd_username, etcd_password'),
      },
    });
  });

  test('answers again after it forgot who had logged in', async () => {
    const registry = registryWith(asFleet(), 'e');
    await registry.cluster.settle(unremembered, 'ours', never);
    await etcdctlOf(etcd, isSecure)('--user=root:root', 'auth', 'disable'); // forgets all tokens
    await etcdctlOf(etcd, isSecure)('auth', 'enable');
    await answersAgain(registry);
  });

  test('answers again after its restart', async () => {
    const registry = registryWith(asFleet(), 'd');
    await registry.cluster.settle(unremembered, 'ours', never);
    await etcd.restart();
    await answersAgain(registry);
  });
});

/** The registry works within the test's time, without a new one being made. */
async function answersAgain(registry: Registry): Promise<void> {
  for (;;) {
    try {
      await registry.catalog.readUnits({ start: null, limitCount: 1 }, never);
      await registry.catalog.changeMetadata(
        [{ machine: registry.registration.machine, key: 'a', value: 'b' }],
        never,
      );
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 50)); // not up again yet
    }
  }
}

async function makeUsers(etcd: EtcdServer, isSecure: boolean): Promise<void> {
  const etcdctl = etcdctlOf(etcd, isSecure);
  await etcdctl('user', 'add', 'root:root');
  await etcdctl('user', 'add', 'fleet:p,a=s"s');
  await etcdctl('user', 'add', 'other:other');
  await etcdctl('role', 'add', 'fleet');
  const grant = ['role', 'grant-permission', '--prefix=true', 'fleet', 'readwrite'];
  await etcdctl(...grant, '/_coreos.com/fleet/');
  await etcdctl('user', 'grant-role', 'fleet', 'fleet');
  await etcdctl('user', 'grant-role', 'root', 'root');
  await etcdctl('auth', 'enable');
}

function etcdctlOf(
  etcd: EtcdServer,
  isSecure: boolean,
): (...words: readonly string[]) => Promise<unknown> {
  const tlsFlags = isSecure
    ? [`--cacert=${authority.ca}`, `--cert=${client.cert}`, `--key=${client.key}`]
    : [];
  return (...words) =>
    run('/usr/bin/etcdctl', [`--endpoints=${etcd.endpoint}`, ...tlsFlags, ...words], {
      env: { ...process.env, ETCDCTL_API: '3' },
    });
}
