import { describe, expect, it } from 'vitest';
import type { RunOptions, RunResult } from '../../src/lab/run.ts';
import type { LabStatus } from '../../src/lab/status.ts';
import { fleetlab, fleetlabPath } from './fleetlab.ts';
import { reach } from './reach.ts';
import { withLab } from './with-lab.ts';

/** Longer than a link failure takes to be reported (3 s), shorter than TCP's own patience. */
const silenceMs = 5_000;

const lab = withLab({ metadata: new Map([['m2', 'disk=ssd,region=eu']]) });
const call = (args: readonly string[], options?: RunOptions): Promise<RunResult> =>
  fleetlab(lab.context.lab, args, options);

async function stateOf(name: string): Promise<string> {
  return (await lab.machine(name)).state;
}

async function systemdOf(name: string): Promise<string> {
  return (await lab.exec(name, ['systemctl', 'is-system-running'])).stdout.trim();
}

describe('fleetlab up', () => {
  it('boots machines whose systemd runs with no unit failed', async () => {
    for (const name of ['m1', 'm2', 'm3']) expect(await systemdOf(name)).toBe('running');
  });

  it('gives each machine an identity, a name and an address of its own', async () => {
    for (const machine of (await lab.status()).machines) {
      const seen = await lab.exec(machine.name, [
        'sh',
        '-c',
        'cat /etc/machine-id; hostname; ip -o -4 addr show dev eth0',
      ]);
      const [id, name, address] = seen.stdout.split('\n');
      expect([id, name]).toEqual([machine.id, machine.name]);
      expect(address).toContain(` ${machine.address}/24 `);
    }
  });

  it('makes one etcd of the members on the first three machines', async () => {
    const { ETCDCTL_ENDPOINTS: endpoints = '' } = await lab.environment();
    expect(endpoints.split(',')).toHaveLength(3);
    const put = ['etcdctl', 'put', 'seen', 'by all'];
    expect((await lab.exec('m1', ['env', 'ETCDCTL_API=3', ...put])).stdout).toBe('OK\n');
    const get = ['etcdctl', 'get', 'seen', '--print-value-only'];
    expect((await lab.exec('m3', ['env', 'ETCDCTL_API=3', ...get])).stdout).toBe('by all\n');
  });

  it('starts none of the services that this computer has enabled', async () => {
    const list = 'systemctl list-units --type=service --plain --no-legend --state=active,failed';
    const units = (await lab.exec('m1', ['sh', '-c', list])).stdout.trim().split('\n');
    const strangers = units
      .map((line) => line.split(' ')[0] ?? '')
      .filter((name) => !/^(dbus|etcd|fleet|fleet-leave|systemd-.*|user.*)\.service$/.test(name));
    expect(strangers).toEqual([]);
  });

  it('gives machines no way out of the lab', async () => {
    expect((await lab.exec('m1', ['ip', 'route', 'show', 'default'])).stdout).toBe('');
  });

  it('says what runs already when it is called again, and changes nothing', async () => {
    const before = await lab.status();
    const again = await call(['up']);
    expect(again.status).toBe(0);
    expect(again.stderr).toContain('is up already');
    expect(again.stdout).toMatch(/^m3 .* running /m);
    expect((await lab.status()).machines).toEqual(before.machines);
  });

  it('ends with status 1 when other than the running machines were asked for', async () => {
    const again = await call(['up', '--machines', '5']);
    expect(again.status).toBe(1);
    expect(again.stderr).toContain(`'${fleetlabPath} add', or 'down' first`);
  });
});

describe('fleetlab status and env', () => {
  it('shows the same machines as a table and as JSON', async () => {
    const table = await call(['status']);
    const json = JSON.parse((await call(['status', '-o', 'json'])).stdout) as LabStatus;
    expect(table.stdout).toMatch(/^NAME +MACHINE +ADDRESS +STATE +FLEETD +ETCD/);
    for (const machine of json.machines) {
      expect(machine.state).toBe('running');
      expect(table.stdout).toContain(machine.id);
      expect(table.stdout).toContain(machine.address);
    }
    expect(json.machines.find(({ name }) => name === 'm2')?.metadata).toBe('disk=ssd,region=eu');
  });

  it('prints exports that a shell can take, of a machine that runs', async () => {
    const { stdout } = await call(['env']);
    expect(stdout).toMatch(/^export FLEETCTL_ENDPOINT=http:\/\/10\.88\.\d+\.11:49153$/m);
    expect(stdout).toMatch(/^export ETCDCTL_API=3$/m);
    expect(stdout).toMatch(/^export ETCDCTL_ENDPOINTS=http:\/\/10\.88\.\d+\.11:2379,/m);
  });
});

describe('fleetlab exec', () => {
  it('passes input, output, errors and the exit status through', async () => {
    const script = 'cat; echo complaint >&2; exit 7';
    const answer = await call(['exec', 'm1', '--', 'sh', '-c', script], { input: 'words\n' });
    expect(answer).toEqual({ status: 7, stdout: 'words\n', stderr: 'complaint\n' });
  });

  it('gives options of the command to the command', async () => {
    const answer = await call(['exec', 'm1', 'systemctl', '--version']);
    expect(answer.stdout).toMatch(/^systemd \d+/);
  });

  it('ends with 128 + N when signal N ends the command', async () => {
    expect((await call(['exec', 'm1', '--', 'sh', '-c', 'kill -TERM $$'])).status).toBe(143);
  });

  it('leaves the environment of this computer behind', async () => {
    const answer = await call(['exec', 'm1', '--', 'env']);
    expect(answer.stdout).not.toContain('FLEETLAB_NAME');
    expect(answer.stdout).toMatch(/^HOME=\/root$/m);
  });

  it('names the machines there are when it is given another', async () => {
    const answer = await call(['exec', 'm9', '--', 'true']);
    expect(answer.status).toBe(1);
    expect(answer.stderr).toContain("has no machine 'm9'");
    expect(answer.stderr).toContain('m1, m2, m3');
  });

  it('offers a shell whose commands come from standard input', async () => {
    const answer = await call(['shell', 'm2'], { input: 'hostname\nexit 3\n' });
    expect([answer.stdout, answer.status]).toEqual(['m2\n', 3]);
  });
});

describe('fleetlab logs', () => {
  it("shows a machine's journal, whole or of one unit", async () => {
    await lab.exec('m1', ['systemd-run', '--unit=talker', '--wait', '--quiet', 'echo', 'a word']);
    expect((await call(['logs', 'm1', '-u', 'talker'])).stdout).toContain('a word');
    expect((await call(['logs', 'm1', '-u', 'dbus'])).stdout).not.toContain('a word');
  });
});

describe('fleetlab partition and heal', () => {
  it('drops what goes to and from the machine, so that nobody gets an answer', async () => {
    const { address } = await lab.machine('m3');
    expect((await call(['partition', 'm3'])).status).toBe(0);
    expect(await stateOf('m3')).toBe('partitioned');
    expect(await reach(address, 2379, silenceMs)).toBe('silence');
    const other = (await lab.machine('m1')).address;
    for (const [from, to] of [
      ['m1', address],
      ['m3', other],
    ] as const) {
      const attempt = ['timeout', '5', 'bash', '-c', `exec 3<>/dev/tcp/${to}/2379`];
      expect((await lab.exec(from, attempt)).status).toBe(124);
    }
  });

  it('leaves the machine in touch with itself', async () => {
    const { address } = await lab.machine('m3');
    const attempt = ['timeout', '5', 'bash', '-c', `exec 3<>/dev/tcp/${address}/2379`];
    expect((await lab.exec('m3', attempt)).status).toBe(0);
  });

  it('brings the machine back', async () => {
    expect((await call(['heal', 'm3'])).status).toBe(0);
    expect(await stateOf('m3')).toBe('running');
    expect(await reach((await lab.machine('m3')).address, 2379, silenceMs)).toBe('connected');
  });
});
