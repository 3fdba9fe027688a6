import { execFileSync } from 'node:child_process';
import { chmod, lstat, mkdir, symlink } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { decodeCloudConfig } from '../../../src/cloudinit/decode.ts';
import { discoveryProblems } from '../../../src/cloudinit/discovery.ts';
import { executeSteps } from '../../../src/cloudinit/execute.ts';
import type { Got } from '../../../src/cloudinit/get-url.ts';
import { patientGet } from '../../../src/cloudinit/get-url.ts';
import { runCommand } from '../../../src/cloudinit/run-command.ts';
import { fileStep, runStep, type Step } from '../../../src/cloudinit/step.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { aMachineFolder, type MachineFolder } from '../../builders/cloudinit-machine.ts';

/** Executes steps on a machine in a folder; the commands that fail are named. */
async function execute(
  machine: MachineFolder,
  steps: readonly Step[],
  failing: readonly string[] = [],
) {
  const ran: string[] = [];
  const failures = await executeSteps(steps, {
    root: machine.root,
    isShown: false,
    run: (argv) => {
      ran.push(argv.join(' '));
      return Promise.resolve(failing.includes(argv[0] ?? '') ? 'status 1: no' : null);
    },
    say: () => undefined,
  });
  return { failures, ran };
}

describe('before the first change', () => {
  it('a file that cannot be written leaves nothing of the others, nor their folders', async () => {
    await using machine = await aMachineFolder();
    await mkdir(join(machine.root, 'etc/taken'));
    const before = await machine.tree();
    const steps = [
      fileStep('/etc/one', '1', 'x'),
      fileStep('/new/deep/two', '2', 'x'),
      runStep(['useradd', 'x'], 'x'),
      fileStep('/etc/taken', '3', 'x'),
    ];
    await expect(execute(machine, steps)).rejects.toThrow('could not write /etc/taken: there is a');
    expect(await machine.tree()).toBe(before);
    await expect(lstat(join(machine.root, 'new'))).rejects.toThrow('ENOENT');
    const under = [fileStep('/etc/one', '1', 'x'), fileStep('/etc/hosts/x', '2', 'x')];
    await expect(execute(machine, under)).rejects.toThrow('could not write /etc/hosts/x');
    expect(await machine.tree()).toBe(before);
  });

  it('an account that cannot be made ends the work, and no file is in its place', async () => {
    await using machine = await aMachineFolder();
    const before = await machine.tree();
    const steps = [
      runStep(['useradd', 'x'], 'x', { onFailure: 'stop' }),
      fileStep('/etc/one', '1', 'x'),
    ];
    const { failures } = await execute(machine, steps, ['useradd']);
    expect(failures).toEqual([
      'useradd x: status 1: no',
      'ended there: 1 of 2 steps were not begun',
    ]);
    expect(await machine.tree()).toBe(before);
  });

  it('a unit that does not start keeps no other from starting', async () => {
    await using machine = await aMachineFolder();
    const steps = [runStep(['false'], 'x'), runStep(['true'], 'x')];
    const { failures, ran } = await execute(machine, steps, ['false']);
    expect([failures, ran]).toEqual([['false: status 1: no'], ['false', 'true']]);
  });

  it('a file is its owner’s before anybody can read it in its place', async () => {
    await using machine = await aMachineFolder();
    const secret = fileStep('/etc/secret', 's', 'x', { mode: 0o640, owner: 'a:b' });
    const { failures } = await execute(machine, [secret], ['chown']);
    expect(failures[0]).toBe('could not give /etc/secret to a:b: status 1: no');
    expect(await machine.tree()).toBe('');
    const { ran } = await execute(machine, [secret]);
    expect(ran[0]).toMatch(/^chown --no-dereference a:b -- .*\/etc\/\.fleet-cloudinit~/);
    expect(await machine.tree()).toContain('/etc/secret 0640');
  });

  it('links in homes are not followed, in reading and in writing', async () => {
    await using machine = await aMachineFolder();
    const userData = '#cloud-config\nssh_authorized_keys: ["ssh-rsa K x"]\n';
    await mkdir(join(machine.root, 'home/core'), { recursive: true });
    await mkdir(join(machine.root, 'root/.ssh'), { recursive: true });
    await symlink('../../root/.ssh', join(machine.root, 'home/core/.ssh'));
    await expect(machine.apply(userData)).rejects.toThrow('/home/core/.ssh is a link');
    expect(await machine.tree()).toBe('=== /home/core/.ssh -> ../../root/.ssh\n');
  });
});

describe('a discovery service', () => {
  const url = 'http://127.0.0.1:9/v2/keys/discovery/t';
  const userData = `#cloud-config\ncoreos:\n  etcd2:\n    name: a\n    discovery: ${url}\n`;
  const nothing = Buffer.alloc(0);

  async function ask(machine: MachineFolder, got: Got, more = '') {
    const asked: string[] = [];
    const get = (at: string): Promise<Got> => {
      asked.push(at);
      return Promise.resolve(got);
    };
    const { config } = decodeCloudConfig(userData + more);
    const problems = await discoveryProblems(config, { root: machine.root, get });
    return {
      asked,
      told: problems.map(({ line, column, message }) => `${line}:${column} ${message}`),
    };
  }

  it.each<[Got, RegExp]>([
    [{ kind: 'away', why: 'connect ECONNREFUSED' }, /does not answer \(connect ECONNREFUSED\); /],
    [{ kind: 'answer', status: 404, body: nothing }, /is not known to the discovery service; /],
    [{ kind: 'answer', status: 503, body: nothing }, /answers with status 503; /],
  ])('is asked, and %j is told where it stands', async (got, words) => {
    await using machine = await aMachineFolder();
    const { asked, told } = await ask(machine, got);
    expect(asked).toEqual([`${url}/_config/size`]);
    expect(told).toEqual([expect.stringMatching(words)]);
    expect(told[0]).toMatch(/^5:16 coreos\.etcd2\.discovery: http/);
  });

  it('is not asked by a member that has found its cluster, nor past a proxy', async () => {
    await using machine = await aMachineFolder();
    const away: Got = { kind: 'away', why: 'x' };
    const proxied = await ask(machine, away, '    discovery_proxy: http://proxy:1\n');
    expect(proxied).toEqual({ asked: [], told: [] });
    await mkdir(join(machine.root, 'var/lib/etcd/fleet/member'), { recursive: true });
    expect(await ask(machine, away)).toEqual({ asked: [], told: [] });
    expect((await ask(machine, away, '    data_dir: /elsewhere\n')).told).toEqual([]);
  });

  it('is waited for when it comes up late, and what it says is believed at once', async () => {
    const statuses = [503, 404, 200, 404];
    const server = createServer((_request, answer) => {
      answer.writeHead(statuses.shift() ?? 500).end('here');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    try {
      const get = patientGet(systemClock, 10_000);
      expect(await get(`http://127.0.0.1:${port}/`)).toMatchObject({ kind: 'answer', status: 200 });
      const once = patientGet(systemClock, 0);
      expect(await once(`http://127.0.0.1:${port}/`)).toMatchObject({
        kind: 'answer',
        status: 404,
      });
    } finally {
      server.close();
    }
    expect((await patientGet(systemClock, 0)(`http://127.0.0.1:${port}/`)).kind).toBe('away');
    expect((await patientGet(systemClock, 0)('not a url')).kind).toBe('away');
  });
});

describe('user-data', () => {
  const valid = '#cloud-config\nhostname: node1\n';

  it('is not looked for further when it cannot be read', async () => {
    await using machine = await aMachineFolder();
    const absent = join(machine.root, 'absent');
    await expect(machine.run(['--from-file', absent])).rejects.toThrow(
      `there is no file ${absent}`,
    );
    await expect(machine.run(['--from-file', machine.root])).rejects.toThrow('could not read');
    await expect(machine.run(['--from-configdrive', absent])).rejects.toThrow('has neither user_d');
    await expect(machine.run(['--from-url', 'ftp://x'])).rejects.toThrow('is not a URL of http');
    await expect(machine.run(['--from-url', 'http://x'])).rejects.toThrow('does not answer');
    const cmdline = ['--from-proc-cmdline', '--root', machine.root];
    await expect(machine.run(cmdline)).rejects.toThrow('has no cloud-config-url=');
  });

  it('comes from a boot’s kernel command line, config drive or file, the first that has any', async () => {
    await using machine = await aMachineFolder();
    const boot = ['--at-boot', '--root', machine.root];
    const get = (): Promise<Got> => {
      const body = Buffer.from('#cloud-config\nhostname: from-kernel\n');
      return Promise.resolve({ kind: 'answer', status: 200, body });
    };
    expect(await machine.run(boot)).toMatchObject({ status: 0, out: [] });
    await machine.write(
      '/var/lib/coreos-install/user_data',
      '#cloud-config\nhostname: from-file\n',
    );
    expect((await machine.run(boot)).out).toEqual(['hostnamectl set-hostname from-file']);
    const latest = '/media/configdrive/openstack/latest';
    const keys = { public_keys: { mykey: 'ssh-rsa K me\n' }, hostname: 'from-drive' };
    await machine.write(`${latest}/meta_data.json`, JSON.stringify(keys));
    expect((await machine.run(boot)).out).toContain('hostnamectl set-hostname from-drive');
    expect(await machine.read('/home/core/.ssh/authorized_keys')).toContain('\nssh-rsa K me\n');
    await machine.write(`${latest}/user_data`, valid);
    const both = await machine.run(boot);
    expect(both.out).toContain('hostnamectl set-hostname node1');
    expect(both.err.join('\n')).toContain('the metadata says from-drive; node1 is taken');
    await machine.write('/proc/cmdline', 'quiet cloud-config-url=http://there/x');
    expect((await machine.run(boot, { get })).out).toContain(
      'hostnamectl set-hostname from-kernel',
    );
  });

  it('that starts units within a boot does not wait for them', async () => {
    await using machine = await aMachineFolder();
    const unit = '#cloud-config\ncoreos:\n units:\n - name: etcd.service\n   command: start\n';
    await machine.write('/etc/fleet/cloud-config.yml', unit);
    const { out } = await machine.run(['--at-boot', '--root', machine.root]);
    expect(out).toEqual(['systemctl --no-block start etcd.service']);
  });

  it('is applied by root only, and from one source', async () => {
    await using machine = await aMachineFolder();
    await machine.write('/u', valid);
    const file = join(machine.root, 'u');
    const run = machine.run(['--from-file', file], { isRoot: false });
    await expect(run).rejects.toThrow('only root can apply');
    expect((await machine.run([])).status).toBe(2);
    expect((await machine.run(['--from-file', file, '--at-boot'])).status).toBe(2);
    expect((await machine.run(['--from-file', file, '--validate'], { isRoot: false })).status).toBe(
      0,
    );
  });

  it('is valid without warnings only, and is asked of nobody’s machine', async () => {
    await using machine = await aMachineFolder();
    const validate = async (text: string) => {
      await machine.write('/u', text);
      return machine.run(['--from-file', join(machine.root, 'u'), '--validate'], { isRoot: false });
    };
    const unit = 'coreos: {units: [{name: absent.service, command: start}]}';
    expect((await validate(`#cloud-config\n${unit}\n`)).status).toBe(0);
    const address = 'coreos: {etcd: {addr: "$public_ipv4:4001", peer-addr: "[$public_ipv6]:1"}}';
    expect(await validate(`#cloud-config\n${address}\n`)).toMatchObject({ status: 0 });
    const unknown = await validate('#cloud-config\nhostnam: x\n');
    expect(unknown.status).toBe(1);
    expect(unknown.err[0]).toMatch(
      /u:2:1: warning: hostnam is not a key .*did you mean hostname\?/,
    );
    const refused = await validate('#cloud-config\ncoreos: {etcd: {peers: "a:1"}}\n');
    expect(refused.status).toBe(1);
    expect(await machine.tree()).toBe(
      '=== /u 0644\n#cloud-config\ncoreos: {etcd: {peers: "a:1"}}\n',
    );
  });

  it('with unknown keys is applied without them', async () => {
    await using machine = await aMachineFolder();
    const { status, err } = await machine.apply(`${valid}package_update: true\n`);
    expect(status).toBe(0);
    expect(err[0]).toMatch(/^user-data:3:1: warning: package_update is not a key/);
    expect(await machine.read('/etc/hostname')).toBe('node1\n');
  });
});

describe('a mask', () => {
  const unit = (more: string): string =>
    `#cloud-config\ncoreos:\n units:\n - name: docker.service\n   runtime: true\n${more}`;

  it('is taken away from a runtime unit that is wanted again', async () => {
    await using machine = await aMachineFolder();
    expect((await machine.apply(unit('   mask: true\n'))).status).toBe(0);
    const link = '/run/systemd/system/docker.service -> /dev/null';
    expect(await machine.tree()).toContain(link);
    const again = await machine.apply(unit(''));
    expect(again.err.join('\n')).toContain('removed /run/systemd/system/docker.service, a mask');
    expect(await machine.tree()).not.toContain(link);
  });
});

it('a command’s own words are told, secrets on its input are not, and it may not be there', async () => {
  expect(await runCommand(['sh', '-c', 'read x; test "$x" = s'], 's\n')).toBeNull();
  expect(await runCommand(['sh', '-c', 'echo bad >&2; exit 3'], null)).toBe('status 3: bad');
  expect(await runCommand(['/nonexistent/program'], 'x')).toContain('ENOENT');
});

it('the program ends with the status of what it did', async () => {
  await using machine = await aMachineFolder();
  await machine.write('/u', '#cloud-config\nhostname: ok\n');
  await machine.write('/bad', '#cloud-config\nhostname: "-"\n');
  await chmod(join(machine.root, 'u'), 0o644);
  const run = (...args: readonly string[]): number => {
    try {
      execFileSync(process.execPath, ['src/cloudinit/main.ts', ...args], { stdio: 'pipe' });
      return 0;
    } catch (error) {
      return (error as { readonly status: number }).status;
    }
  };
  expect(run('-validate', `-from-file=${machine.root}/u`)).toBe(0);
  expect(run('--validate', '--from-file', `${machine.root}/bad`)).toBe(1);
  expect(run('--from-file', `${machine.root}/absent`)).toBe(1);
  expect(run('--frobnicate')).toBe(2);
  expect(run('--from-ec2-metadata')).toBe(2);
  expect(run()).toBe(2);
  expect(run('--help')).toBe(0);
});
