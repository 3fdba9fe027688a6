// Machines that come and go, as docs/operating/growing.md tells it: each begins with nothing of ours.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bareMachineListed, startBareMachine } from '../../src/lab/bare.ts';
import { type PackageServer, servePackage } from '../../src/lab/package-server.ts';
import { killMachine, poweroffMachine } from '../../src/lab/power.ts';
import { run } from '../../src/lab/run.ts';
import { invocations, patience, sleeper, withFleet } from './with-fleet.ts';

const top = fileURLToPath(new URL('../..', import.meta.url));
const roles = ['single-node', 'first-node', 'member', 'proxy', 'coreos'] as const;
const fleet = withFleet({ machineCount: 0 });
const { lab } = fleet;
const made = mkdtempSync(join(top, 'dist/test-growing-'));
let server: PackageServer;
const tookMs = new Map<string, number>();

beforeAll(async () => {
  const command = ['scripts/package.ts', '--arch', debianArchitecture(), '--quick', '--out', made];
  const bin = join(top, 'node_modules/.bin');
  const env = { ...process.env, PATH: `${bin}:${process.env['PATH']}` };
  execFileSync(process.execPath, command, { cwd: top, env, stdio: 'pipe' });
  const deb = readdirSync(made).find((name) => name.endsWith('.deb')) ?? '';
  server = await servePackage(lab.context, join(made, deb));
});
afterAll(() => {
  server?.close();
  rmSync(made, { recursive: true });
  const words = [...tookMs].map(([name, ms]) => `${name} ${(ms / 1000).toFixed(1)} s`);
  process.stderr.write(`from power-on to listed: ${words.join(', ')}\n`);
});

function debianArchitecture(): string {
  return execFileSync('dpkg', ['--print-architecture'], { encoding: 'utf8' }).trim();
}

function shipped(role: (typeof roles)[number]): string {
  return readFileSync(join(top, `cloud-config/${role}.yaml`), 'utf8');
}

/** A file of cloud-config/ with a person's own values; a short TTL makes a short test. */
function edited(role: (typeof roles)[number]): string {
  return shipped(role)
    .replace('https://packages.example.com/flotilla.deb', server.url)
    .replaceAll('10.0.0.11', addressOf(1))
    .replace('metadata="', 'agent_ttl="3s"\n      metadata="');
}

function addressOf(machineNumber: number): string {
  return new URL(server.url).hostname.replace(/\d+$/, String(10 + machineNumber));
}

/** Boots a machine with that user-data, until it lists itself. */
async function boot(name: string, userData: string): Promise<void> {
  const userDataPath = fleet.file(`${name}.yaml`, userData);
  const started = await startBareMachine(lab.context, { name, userDataPath });
  try {
    tookMs.set(name, await bareMachineListed(lab.context, started));
  } catch (error) {
    const log = 'cat /var/log/cloud-init-output.log; journalctl -b --no-pager -n 60 -u "fleet*"';
    const said = await lab.exec(name, ['sh', '-c', `${log} -u etcd`]);
    throw new Error(said.stdout, { cause: error });
  }
}

/** The members of etcd as its clients see them on a machine: name, and whether it learns. */
async function members(machine: string): Promise<Readonly<Record<string, string>>> {
  const lines = (await fleet.script(machine, 'etcdctl member list')).trim().split('\n');
  const ids = (await lab.status()).machines.map(({ id, name }) => [id, name] as const);
  const words = lines.map((line) => line.split(', '));
  return Object.fromEntries(
    words.map(([, , id, , , learns]) => [new Map(ids).get(id ?? '') ?? '', learns ?? '']),
  );
}

async function listed(machine: string): Promise<readonly string[]> {
  const table = ['fleetctl', 'list-machines', '--full', '--no-legend', '--fields', 'ip'];
  return (await lab.exec(machine, table)).stdout.trim().split('\n').sort();
}

function addresses(...numbers: readonly number[]): readonly string[] {
  return numbers.map(addressOf).sort();
}

describe('user-data', () => {
  it.each(roles)('cloud-config/%s.yaml is valid for cloud-init', async (role) => {
    const path = fleet.file(`${role}.yaml`, shipped(role));
    const { status, stderr } = await run(['cloud-init', 'schema', '--config-file', path]);
    expect([status, stderr]).toEqual([0, '']);
  });

  it('is refused before anything is made when it is wrong, or not there', async () => {
    const broken = fleet.file('broken.yaml', '#cloud-config\nruncmd:\n  - [a\n');
    const mistyped = fleet.file('mistyped.yaml', '#cloud-config\nruncmd: 3\n');
    for (const [userDataPath, words] of [
      [broken, /broken\.yaml is not valid user-data[\s\S]*line 4/],
      [mistyped, /mistyped\.yaml is not valid user-data[\s\S]*runcmd: 3 is not of type 'array'/],
      ['/nonexistent', /user-data cannot be read: ENOENT/],
    ] as const) {
      await expect(startBareMachine(lab.context, { userDataPath })).rejects.toThrow(words);
    }
    expect((await lab.status()).machines).toEqual([]);
  });
});

describe('a fleet of bare machines', () => {
  it('begins with first-node.yaml and grows by member.yaml twice', async () => {
    await boot('m1', edited('first-node'));
    const bare = 'command -v node npm; ls -d /opt/flotilla; test -d "$0"';
    expect((await lab.exec('m1', ['sh', '-c', bare, top])).stdout).toBe('');
    await Promise.all(['m2', 'm3'].map((name) => boot(name, edited('member'))));
    expect(await listed('m1')).toEqual(addresses(1, 2, 3));
    const all = { m1: 'false', m2: 'false', m3: 'false' };
    await expect.poll(() => members('m1'), patience).toEqual(all);
  });

  it('takes a fourth machine by what fleetctl cloud-config prints', async () => {
    const key = fleet.file('id.pub', `ssh-ed25519 ${'A'.repeat(68)} ann@example.com\n`);
    const options = ['--metadata', 'role=worker', '--ssh-key', key, '--package', server.url];
    const text = await fleet.did('cloud-config', ...options);
    const urls = addresses(1, 2, 3).map((address) => `http://${address}:2379`);
    expect(text).toContain(`etcd_servers=${JSON.stringify(urls)}\n      agent_ttl="3s"\n`);
    await boot('m4', text);
    expect(await listed('m4')).toEqual(addresses(1, 2, 3, 4));
    expect(await fleet.did('list-machines')).toContain('role=worker');
    expect(await fleet.script('m4', 'cat /home/*/.ssh/authorized_keys')).toContain('ann@example');
  });

  it('runs units, and runs them elsewhere when a machine is killed', async () => {
    const names = [1, 2, 3, 4, 5, 6, 7, 8].map((number) => `web@${number}.service`);
    await fleet.did('submit', fleet.file('web@.service', sleeper()));
    await fleet.did('start', ...names);
    const before = await fleet.running();
    expect(before.some(({ machine }) => machine === 'm3')).toBe(true);
    await killMachine(lab.context, 'm3');
    await expect
      .poll(async () => (await fleet.running()).map(({ unit }) => unit).sort(), patience)
      .toEqual(names);
    expect(invocations(await fleet.running())).toMatchObject(invocations(before, ['m3']));
  });

  it('replaces the dead machine, its member of etcd included', async () => {
    const before = await fleet.running();
    const { id } = await lab.machine('m3');
    const line = (await fleet.script('m1', `etcdctl member list | grep ${id}`)).split(', ');
    await fleet.script('m1', `etcdctl member remove ${line[0]}`);
    await boot('m5', await fleet.did('cloud-config', '--role', 'member', '--package', server.url));
    const all = { m1: 'false', m2: 'false', m5: 'false' };
    await expect.poll(() => members('m1'), patience).toEqual(all);
    await fleet.did('forget', id);
    await expect.poll(() => fleet.did('list-machines', '--all'), patience).not.toContain(id);
    expect(invocations(await fleet.running())).toEqual(invocations(before));
  });

  it('retires a machine: its units start elsewhere, etcd goes on without it', async () => {
    const before = await fleet.running();
    const { id } = await lab.machine('m2');
    await fleet.script('m2', 'fleet-etcd leave');
    expect(await members('m1')).toEqual({ m1: 'false', m5: 'false' });
    expect(await fleet.script('m2', 'ls /var/lib/etcd')).not.toContain('fleet');
    await poweroffMachine(lab.context, 'm2');
    await fleet.did('forget', id);
    await expect.poll(async () => (await fleet.running()).length, patience).toBe(before.length);
    expect(invocations(await fleet.running())).toMatchObject(invocations(before, ['m2']));
    expect(await listed('m1')).toEqual(addresses(1, 4, 5));
  });

  it('is upgraded machine by machine, and no unit notices', async () => {
    const before = invocations(await fleet.running());
    for (const name of ['m1', 'm4', 'm5']) {
      const pid = 'systemctl show -P MainPID fleet';
      const old = await fleet.script(name, pid);
      await fleet.script(name, 'dpkg -i /var/tmp/flotilla.deb');
      expect(await fleet.script(name, pid)).not.toBe(old);
      await expect.poll(() => listed(name), patience).toEqual(addresses(1, 4, 5));
    }
    expect(await fleet.did('upgrade', '--finish')).toMatch(/format/i);
    expect(invocations(await fleet.running())).toEqual(before);
  });

  it('refuses what would cost etcd its members, and changes nothing', async () => {
    const before = await members('m1');
    const refused = async (machine: string, ...words: readonly string[]): Promise<string> => {
      const ran = await lab.exec(machine, ['fleet-etcd', ...words]);
      expect(ran.status).toBeGreaterThan(0);
      return ran.stderr;
    };
    expect(await refused('m1', 'new')).toContain('this machine has a member already');
    expect(await refused('m4', 'leave')).toContain('this machine has no member');
    expect(await refused('m4', 'join')).toContain('which etcd is meant?');
    expect(await refused('m4', 'join', 'https://etcd:2379')).toContain('with TLS');
    expect(await refused('m4', 'join', 'http://nowhere.example:2379')).toContain('has no address');
    expect(await refused('m4', 'join', `http://${addressOf(40)}:2379`)).toContain(
      'no etcd answers',
    );
    expect(await refused('m4', 'grow')).toContain('fleet-etcd new');
    expect(await members('m1')).toEqual(before);
  });
});

describe('other beginnings', () => {
  it('single-node.yaml makes a fleet of its own, which nobody can join', async () => {
    await boot('m6', edited('single-node'));
    expect(await listed('m6')).toEqual(addresses(6));
    const asked = await lab.exec('m6', ['fleetctl', 'cloud-config']);
    expect([asked.status, asked.stdout]).toEqual([1, '']);
    expect(asked.stderr).toContain("cannot reach this cluster's etcd");
    expect(await lab.exec('m6', ['fleet-etcd', 'leave'])).toMatchObject({ status: 1 });
  });

  it('the config of the talk makes a cluster of two bare machines', async () => {
    const etcd = `http://${addressOf(6)}:12379`;
    const discovery = [
      'systemd-run -q --unit discovery -p User=etcd /usr/bin/etcd --enable-v2',
      '--listen-client-urls http://0.0.0.0:12379 --listen-peer-urls http://127.0.0.1:12380',
      `--data-dir /var/lib/etcd/discovery --advertise-client-urls ${etcd}`,
    ];
    await fleet.script('m6', discovery.join(' '));
    const size = `etcdctl --endpoints ${etcd} set /discovery/mine/_config/size 2`;
    await fleet.script('m6', `until ETCDCTL_API=2 ${size}; do sleep 0.2; done`);
    const config = coreos(talk(`${etcd}/v2/keys/discovery/mine`));
    await Promise.all(['m7', 'm8'].map((name) => boot(name, config)));
    await expect.poll(() => listed('m7'), patience).toEqual(addresses(7, 8));
    for (const number of [7, 8]) {
      const { id } = await lab.machine(`m${number}`);
      const get = `ETCDCTL_API=2 etcdctl get /hosts/${id}`;
      await expect
        .poll(async () => (await lab.exec('m7', ['sh', '-c', get])).stdout.trim(), patience)
        .toBe(addressOf(number));
    }
  });
});

/** The config of the talk; what it waits for between two announcements need not take so long. */
function talk(discovery: string): string {
  const path = join(top, 'test/golden/cloudinit/talk.user-data');
  const text = readFileSync(path, 'utf8').replace(/discovery: .*/, `discovery: ${discovery}`);
  return text.replace('sleep 45', 'sleep 1');
}

/** cloud-config/coreos.yaml with that config in place of its example. */
function coreos(config: string): string {
  const indented = config.trimEnd().replace(/^(?=.)/gm, '      ');
  return edited('coreos').replace(/(content: \|\n)[\s\S]*?(?=\n\nruncmd)/, `$1${indented}`);
}
