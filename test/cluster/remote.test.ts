import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { beforeAll, describe, expect, it } from 'vitest';
import { enterArgv } from '../../src/lab/exec.ts';
import { machineNamed, readLab } from '../../src/lab/record.ts';
import { type RunResult, runOk } from '../../src/lab/run.ts';
import { packagesPath, script, startSshd } from './sshd.ts';
import { withLab } from './with-lab.ts';

// Before the machines boot: they see this computer's programs.
beforeAll(async () => {
  await runOk([packagesPath, 'openssh-server', 'openssh-client'], { timeoutMs: 300_000 });
});
const lab = withLab();

/** Ann works on m3, with an account and a ~/.ssh of her own there. */
const home = '/home/ann';
const asAnn = [
  ...['setpriv', '--reuid=ann', '--regid=ann', '--init-groups'],
  ...['env', '-C', home, `HOME=${home}`, 'USER=ann', 'LOGNAME=ann'],
];
const machines = ['m1', 'm2', 'm3'] as const;
const address = new Map<string, string>();

/** The API of m1. */
let endpoint = '';

function ann(...argv: string[]): Promise<RunResult> {
  return lab.exec('m3', [...asAnn, ...argv]);
}

/** fleetctl by ann, at the API of m1. */
function fleetctl(...args: string[]): Promise<RunResult> {
  return ann('env', `FLEETCTL_ENDPOINT=${endpoint}`, 'fleetctl', ...args);
}

/** fleetctl by ann, who reaches nothing but ssh. */
function tunnelled(...args: string[]): Promise<RunResult> {
  return ann('fleetctl', ...args);
}

const talker = [
  '[Service]',
  'ExecStart=/bin/sh -c "echo a word of %n; exec sleep infinity"',
  'ExecReload=/bin/sh -c "echo another word"',
];

async function startUnit(name: string, ...fleet: string[]): Promise<void> {
  const input = [...talker, '[X-Fleet]', ...fleet, ''].join('\n');
  const line = `cat > /root/${name}; fleetctl start /root/${name}`;
  await lab.exec('m1', ['sh', '-c', line], { input });
}

beforeAll(async () => {
  await script(lab, 'm3', [
    `useradd --create-home --password '*' --shell /bin/bash ann`,
    `install -d -m 700 -o ann -g ann ${home}/.ssh`,
  ]);
  await ann('ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', `${home}/.ssh/fleet`);
  const key = (await ann('cat', `${home}/.ssh/fleet.pub`)).stdout.trim();
  const known: string[] = [];
  const config: string[] = [];
  for (const name of machines) {
    const at = (await lab.machine(name)).address;
    address.set(name, at);
    known.push(`${at} ${await startSshd(lab, name, key)}`);
  }
  endpoint = `http://${address.get('m1')}:49153`;
  config.push(`Host 10.*`, `  IdentityFile ${home}/.ssh/fleet`);
  config.push('Host the-first', `  HostName ${address.get('m1')}`, '  User root');
  config.push(`  IdentityFile ${home}/.ssh/fleet`);
  for (const [file, lines] of [
    ['config', config],
    ['known_hosts', known],
  ] as const) {
    const words = lines.map((line) => `'${line}'`).join(' ');
    await ann('sh', '-c', `printf '%s\\n' ${words} > ${home}/.ssh/${file}`);
  }
  await startUnit('web.service', `MachineID=${(await lab.machine('m2')).id}`);
  await startUnit('here.service', `MachineID=${(await lab.machine('m3')).id}`);
  await startUnit('every.service', 'Global=true');
  await startUnit('nowhere.service', 'MachineMetadata=disk=ssd');
  for (const name of machines) {
    await script(lab, name, [
      'until systemctl is-active --quiet every.service; do sleep 0.1; done',
      'until journalctl -u every.service | grep -q "a word"; do sleep 0.1; done',
    ]);
  }
});

describe('fleetctl status', () => {
  it("shows what the unit's machine says, over ssh as core with the key of ~/.ssh/config", async () => {
    const answer = await fleetctl('status', 'web.service');
    expect(answer).toMatchObject({ status: 0, stderr: '' });
    expect(answer.stdout).toMatch(/web\.service[\s\S]*Active: active \(running\)/);
  });

  it("ends with systemctl's status, and with all units told", async () => {
    await lab.exec('m2', ['systemctl', 'stop', 'web.service']);
    const answer = await fleetctl('status', 'web', 'every');
    await lab.exec('m2', ['systemctl', 'start', 'web.service']);
    expect(answer.status).toBe(3);
    expect(answer.stdout).toMatch(/web\.service[\s\S]*inactive[\s\S]*every\.service/);
  });

  it('shows a global unit on every machine, and on one when it is named', async () => {
    const all = await fleetctl('status', 'every');
    expect(all.status).toBe(0);
    expect(all.stdout.match(/^==> every\.service on /gm)).toHaveLength(3);
    for (const name of machines) expect(all.stdout).toContain(`/${address.get(name)} <==`);
    const id = (await lab.machine('m2')).id.slice(0, 6);
    const one = await fleetctl('status', '--machine', id, 'every');
    expect([one.status, one.stdout.match(/Active:/g)?.length]).toEqual([0, 1]);
  });

  it('asks systemd directly, without ssh, when the machine is this one', async () => {
    const answer = await ann(
      ...['env', `FLEETCTL_ENDPOINT=${endpoint}`, 'PATH=/bin:/usr/bin', 'FLEETCTL_SSH_TIMEOUT=1'],
      ...['fleetctl', '--ssh-username', 'nobody', 'status', 'here.service'],
    );
    expect(answer).toMatchObject({ status: 0, stderr: '' });
    expect(answer.stdout).toContain('Active: active');
  });

  it('says why a unit is nowhere, and tells all of it as JSON', async () => {
    const answer = await fleetctl('status', 'nowhere');
    expect(answer.status).toBe(1);
    expect(answer.stderr).toContain('3 machines: metadata disk=ssd is missing');
    const json = await fleetctl('status', '-o', 'json', 'nowhere', 'every');
    const [nowhere, every] = JSON.parse(json.stdout);
    expect(nowhere.placement.objections).toMatchObject([{ count: 3 }]);
    expect(every.machines.map(({ active }: { active: string }) => active)).toEqual([
      'active',
      'active',
      'active',
    ]);
  });
});

describe('fleetctl journal', () => {
  it('prints the newest lines in the format asked for', async () => {
    const answer = await fleetctl('journal', '--lines', 'all', '--output', 'cat', 'web');
    expect(answer).toMatchObject({ status: 0, stderr: '' });
    expect(answer.stdout).toContain('a word of web.service');
  });

  it('prints those of a global unit from every machine', async () => {
    const answer = await fleetctl('--ssh-username', 'root', 'journal', 'every');
    expect(answer.stdout.match(/^==> /gm)).toHaveLength(3);
  });

  it('follows as lines come, and Ctrl-C on a terminal ends it at both ends', async () => {
    const inner = `FLEETCTL_ENDPOINT=${endpoint} fleetctl journal -f -o cat web.service`;
    const argv = [...asAnn, 'script', '-qefc', inner, '/dev/null'];
    const machine = machineNamed(readLab(lab.context.lab), 'm3');
    const [file = '', ...args] = enterArgv(machine, argv);
    const terminal = spawn(file, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    let heard = '';
    const until = async (words: string): Promise<void> => {
      while (!heard.includes(words)) heard += String((await once(terminal.stdout, 'data'))[0]);
    };
    await until('a word of web.service');
    await lab.exec('m2', ['systemctl', 'reload', 'web.service']);
    await until('another word');
    const ended = once(terminal, 'close');
    terminal.stdin.write('\u0003');
    expect(await ended).toEqual([130, null]);
    const gone = 'while pgrep -f "[j]ournalctl --unit web.service"; do sleep 0.1; done';
    expect((await lab.exec('m2', ['timeout', '60', 'sh', '-c', gone])).status).toBe(0);
  });
});

describe('fleetctl ssh', () => {
  it('runs a command by machine, by unit, and hands its exit status on', async () => {
    const id = (await lab.machine('m2')).id.slice(0, 8);
    for (const target of [[id], ['web'], ['--unit', 'web'], ['--machine', id]]) {
      expect(await fleetctl('ssh', ...target, 'hostname')).toMatchObject({
        status: 0,
        stdout: 'm2\n',
      });
    }
    expect((await fleetctl('ssh', 'web', 'exit', '7')).status).toBe(7);
    expect((await fleetctl('ssh', 'web', 'id', '-un')).stdout).toBe('core\n');
  });

  it('lets the shell there read the command, as ssh does, flags and pipes included', async () => {
    const answer = await fleetctl(
      'ssh',
      'web',
      'printf',
      '--',
      "'%s\\n'",
      'b',
      'a',
      '|',
      'sort',
      '-r',
    );
    expect(answer.stdout).toBe('b\na\n');
  });

  it('runs a command on all machines of a global unit', async () => {
    const answer = await fleetctl('ssh', 'every', 'hostname');
    expect(answer.stdout.match(/^m\d$/gm)?.sort()).toEqual(['m1', 'm2', 'm3']);
  });
});

describe('fleetctl --tunnel', () => {
  it('lists units through a Host of ~/.ssh/config, with its user and key', async () => {
    const through = ['--tunnel', 'the-first'];
    const answer = await tunnelled(...through, 'list-units', '--no-legend', '--fields', 'unit');
    expect(answer.stdout).toMatch(/^every\.service\n[\s\S]*web\.service\n$/);
    expect(answer).toMatchObject({ status: 0, stderr: '' });
    expect((await tunnelled('--tunnel', 'the-first', 'cat', 'web')).status).toBe(0);
  });

  it('reaches the machine of a unit through the tunnel, its address resolved from there', async () => {
    const through = ['--tunnel', 'the-first'];
    const answer = await tunnelled(...through, 'ssh', 'web', 'echo $SSH_CLIENT');
    expect(answer.stdout).toMatch(new RegExp(`^${address.get('m1')} `));
    const status = await tunnelled(...through, 'status', 'web');
    expect([status.status, status.stdout]).toEqual([0, expect.stringContaining('running')]);
  });

  it('reaches the API over TCP from the tunnel, which is how another machine is asked', async () => {
    const there = ['--tunnel', 'the-first', '--endpoint', `http://${address.get('m2')}:49153`];
    const answer = await tunnelled(...there, 'list-machines', '--no-legend', '--fields', 'ip');
    expect(answer).toMatchObject({ status: 0, stderr: '' });
    expect(answer.stdout.trim().split('\n').sort()).toEqual([...address.values()]);
  });

  it('uses one connection to the tunnel for all requests, kept or not by the user', async () => {
    const count = async (): Promise<number> => {
      const log = await script(lab, 'm1', ['journalctl -u test-sshd -o cat | grep -c Accepted']);
      return Number(log.trim());
    };
    const before = await count();
    expect((await tunnelled('--tunnel', 'the-first', 'list-units')).status).toBe(0);
    expect(await count()).toBe(before + 1);
    const kept = ['ControlMaster auto', `ControlPath ${home}/.ssh/%C`, 'ControlPersist 60'];
    const lines = ['Host the-first', ...kept].map((line) => `'${line}'`).join(' ');
    await ann('sh', '-c', `printf '%s\\n' ${lines} >> ${home}/.ssh/config`);
    for (const command of ['list-units', 'list-machines']) {
      expect((await tunnelled('--tunnel', 'the-first', command)).status).toBe(0);
    }
    expect(await count()).toBe(before + 2);
    await ann('ssh', '-O', 'exit', 'the-first');
  });
});

describe('a machine that ssh cannot reach', () => {
  it('is refused while its key is unknown or has changed, and said how to go on', async () => {
    const unknown = await tunnelled(
      ...['--known-hosts-file', `${home}/none`, '--tunnel', `${address.get('m2')}`, 'list-units'],
    );
    expect([unknown.status, unknown.stdout]).toEqual([1, '']);
    expect(unknown.stderr).toContain('Host key verification failed');
    expect(unknown.stderr).toContain('--strict-host-key-checking=false');
    const [type, key] = [
      'ssh-ed25519',
      'AAAAC3NzaC1lZDI1NTE5AAAAIB0000000000000000000000000000000000000000000',
    ];
    await ann('sh', '-c', `echo '${address.get('m2')} ${type} ${key}' > ${home}/other`);
    const changed = await tunnelled(
      ...['--known-hosts-file', `${home}/other`, '--tunnel', `${address.get('m2')}`, 'list-units'],
    );
    expect([changed.status, changed.stdout]).toEqual([1, '']);
    expect(changed.stderr).toMatch(/HAS CHANGED|verification failed/);
  });

  it('is trusted unseen when that is asked for', async () => {
    const answer = await fleetctl(
      ...['--strict-host-key-checking=false', '--known-hosts-file', `${home}/fresh`],
      ...['ssh', 'web', 'hostname'],
    );
    expect([answer.status, answer.stdout]).toEqual([0, 'm2\n']);
  });

  it('is named with the reason: no key, no sshd, nobody there', async () => {
    const noKey = await ann(
      ...['env', `FLEETCTL_TUNNEL=${address.get('m1')}`, 'FLEETCTL_SSH_USERNAME=stranger'],
      ...['fleetctl', 'list-units'],
    );
    expect(noKey.stderr).toContain('Permission denied');
    const noSshd = await tunnelled('--tunnel', `${address.get('m1')}:2`, 'list-units');
    expect(noSshd.stderr).toContain('Connection refused');
    const nobody = ['--ssh-timeout', '1', '--tunnel', '10.255.255.1', 'list-units'];
    const lost = await tunnelled(...nobody);
    expect(lost.stderr).toMatch(/timed out|unreachable|No route/i);
    expect([noKey.status, noSshd.status, lost.status]).toEqual([1, 1, 1]);
  });

  it('lacks a fleetd, and that is what is said', async () => {
    const answer = await tunnelled(
      ...['--endpoint', 'unix:///run/none.sock', '--tunnel', `${address.get('m1')}`, 'list-units'],
    );
    expect(answer.stderr).toContain('nobody listens at unix:///run/none.sock');
  });
});
