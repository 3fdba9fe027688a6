import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { invocations, patience, placed, sleeper, withFleet } from './with-fleet.ts';

const fleet = withFleet({ agentTtl: '3s' });
const names = ['m1', 'm2', 'm3'] as const;
const apps = [1, 2, 3, 4, 5, 6].map((number) => `app@${number}.service`);
/** Longer than any lease lasts. */
const longMs = 2.5 * 3000;

function everywhereDo(script: string): Promise<readonly string[]> {
  return Promise.all(names.map((name) => fleet.script(name, script)));
}

/** The steps of docs/operating/restore-etcd.md, on every member. */
const settings = 'set -a; . /etc/fleet/etcd.env; set +a';
const save = `${settings}; ETCDCTL_API=3 etcdctl --endpoints=http://m1:2379 snapshot save /root/backup.db`;
const stopAndForget = `systemctl stop etcd; ${settings}; rm -rf "$ETCD_DATA_DIR"`;
const restore = `${settings}; ETCDCTL_API=3 etcdctl snapshot restore /root/backup.db \
  --name "$ETCD_NAME" --data-dir "$ETCD_DATA_DIR" --initial-cluster "$ETCD_INITIAL_CLUSTER" \
  --initial-cluster-token restored-once \
  --initial-advertise-peer-urls "$ETCD_INITIAL_ADVERTISE_PEER_URLS"
chown -R etcd: "$ETCD_DATA_DIR"`;
const begin = 'systemctl start --no-block etcd';

/** Every fleetd says that it is frozen, and what to type. */
async function allFrozen(): Promise<void> {
  for (const via of names) {
    await expect
      .poll(async () => (await fleet.fleetctl(['list-machines'], { via })).stderr, patience)
      .toMatch(/store-(went-back|not-ours): .*\n.*adopt-store/s);
  }
}

/** Takes orders on every machine. */
async function worksEverywhere(round: string): Promise<void> {
  for (const name of names) {
    const { id } = await fleet.lab.machine(name);
    const file = fleet.file(`probe-${round}-${name}.service`, placed(`MachineID=${id}`));
    await expect
      .poll(async () => (await fleet.fleetctl(['start', '--wait', file])).status, patience)
      .toBe(0);
    await fleet.did('destroy', `probe-${round}-${name}.service`);
  }
}

beforeAll(async () => {
  const app = fleet.file('app@.service', sleeper());
  const everywhere = fleet.file('everywhere.service', placed('Global=true'));
  const files = apps.map((name) => app.replace('app@.service', name));
  await fleet.did('start', '--wait', ...files, everywhere);
  await vi.waitFor(async () => expect(await fleet.running()).toHaveLength(6 + 3), patience);
});

describe('an etcd that was restored from a backup under a running cluster', () => {
  it('freezes every machine, and once adopted nothing was restarted', async () => {
    await everywhereDo(save);
    const later = fleet.file('later@.service', sleeper());
    const many = Array.from({ length: 12 }, (_, index) => `later@${index + 1}.service`);
    await fleet.did(
      'start',
      '--wait',
      ...many.map((name) => later.replace('later@.service', name)),
    );
    for (const name of many) await fleet.did('stop', name);
    for (const name of many) await fleet.did('start', '--wait', name);
    const stored = fleet.file('stored@.service', sleeper());
    const idle = Array.from({ length: 14 }, (_, index) => `stored@${index + 1}.service`);
    await fleet.did('submit', ...idle.map((name) => stored.replace('stored@.service', name)));
    const before = invocations(await fleet.running());
    expect(Object.keys(before)).toHaveLength(6 + 3 + 12);

    await everywhereDo(stopAndForget);
    await everywhereDo(restore);
    await everywhereDo(begin);
    await allFrozen();
    await sleep(longMs);
    expect(invocations(await fleet.running())).toEqual(before);
    const refused = await fleet.fleetctl(['stop', 'app@1.service']);
    expect([refused.status, refused.stdout]).toEqual([1, '']);
    expect(refused.stderr).toContain('adopt-store');
    const unasked = await fleet.fleetctl(['adopt-store']);
    expect([unasked.status, unasked.stderr]).toEqual([2, expect.stringContaining('--yes')]);
    // A daemon that starts anew knows all the same that this is not its store.
    await fleet.script('m2', 'systemctl restart fleet');
    await allFrozen();

    expect(await fleet.did('adopt-store', '--yes')).toContain('epoch 2');
    await worksEverywhere('restored');
    expect(invocations(await fleet.running())).toMatchObject(before);
    expect(await fleet.did('list-machines', '--no-legend')).toMatch(/^(.*\n){3}$/);
    expect(await fleet.did('adopt-store')).toContain('nothing to adopt');
  });
});

describe('an etcd that was emptied under a running cluster', () => {
  it('is no new cluster to anybody, and once adopted everything still runs', async () => {
    const before = invocations(await fleet.running());
    await everywhereDo(stopAndForget);
    await everywhereDo(begin);
    await allFrozen();
    await fleet.script('m3', 'systemctl restart fleet');
    await sleep(longMs);
    await allFrozen();
    expect(await fleet.keys()).toEqual([]);
    expect(invocations(await fleet.running())).toEqual(before);

    expect(await fleet.did('adopt-store', '--yes')).toContain('epoch 3');
    await worksEverywhere('emptied');
    expect(invocations(await fleet.running())).toMatchObject(before);
  });
});
