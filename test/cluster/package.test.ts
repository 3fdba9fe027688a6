// What npm run package makes, on a machine with nothing of ours: installed, upgraded, removed, purged.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeBlob, makeExecutable } from '../../scripts/package/executable.ts';
import { nodeBinary } from '../../scripts/package/node-binary.ts';
import { pathInside } from '../../src/lab/faults/fault.ts';
import { machineNamed, readLab } from '../../src/lab/record.ts';
import type { RunResult } from '../../src/lab/run.ts';
import { patience, sleeper } from './with-fleet.ts';
import { withLab } from './with-lab.ts';

const lab = withLab({ machineCount: 1 });
const top = fileURLToPath(new URL('../..', import.meta.url));
const made = join(top, `dist/test-package-${process.pid}`);
afterAll(() => rmSync(made, { recursive: true, force: true }));

const architecture = process.arch === 'arm64' ? 'arm64' : 'amd64';
const installMs = 60_000;
const units = ['web.service', 'single.service'] as const;
// As fast as an upgrade of many packages would be: dpkg asks the disk for nothing in between.
const install = 'dpkg --force-unsafe-io -i /root/flotilla.deb';
/** Where anything of ours could be left; journals, dpkg's own lists and the test's files are not. */
const everywhere =
  'cd /; find etc usr opt var run home -not -path "var/log/*" -not -path "run/log/*" ' +
  '-not -path "run/systemd/*" -not -path "var/lib/dpkg/*-old" -not -path "var/lib/flotilla-lab*" ' +
  '-not -path "var/cache/man/*" -printf "%y %p\\n" 2>/dev/null | sort; ls -R run/systemd/system; ' +
  'find var/lib/dpkg/info -name "flotilla*"; getent group';
let bare = '';
let started: Readonly<Record<string, string>> = {};

function run(script: string): Promise<RunResult> {
  return lab.exec('m1', ['sh', '-ec', script], { timeoutMs: installMs });
}

async function did(script: string): Promise<string> {
  const { status, stdout, stderr } = await run(script);
  expect(status, `${script}: ${stdout}${stderr}`).toBe(0);
  return stdout.trim();
}

function show(unit: string, property: string): Promise<string> {
  return did(`systemctl show -p ${property} --value ${unit}`);
}

async function lives(): Promise<Readonly<Record<string, string>>> {
  const told = units.map(async (unit) => {
    const show = `systemctl show -p ActiveState,InvocationID,NRestarts --value ${unit}`;
    return [unit, await did(show)] as const;
  });
  return Object.fromEntries(await Promise.all(told));
}

beforeAll(async () => {
  const node = process.execPath;
  const command = ['scripts/package.ts', '--arch', architecture, '--quick', '--out', made];
  execFileSync(node, command, { cwd: top, env: pathOfCheckout(), stdio: 'pipe' });
  const machine = machineNamed(readLab(lab.context.lab), 'm1');
  for (const name of readdirSync(made)) {
    const place = { deb: '/root/flotilla.deb', gz: '/root/flotilla.tar.gz' }[
      name.split('.').at(-1) ?? ''
    ];
    if (place !== undefined) copyFileSync(join(made, name), pathInside(machine, place));
  }
  // What the lab has put there goes: a machine as its distribution left it.
  await did(
    'systemctl disable --now fleet fleet-leave; grep ^etcd_servers /etc/fleet/fleet.conf >/root/conf;' +
      'echo etcd_key_prefix=/package/ >>/root/conf; ' +
      'rm -rf /opt/flotilla /usr/bin/fleetd /usr/bin/fleetctl /etc/systemd/system/fleet* /etc/fleet ' +
      '/run/fleet /run/fleet.sock /var/lib/fleet /var/cache/fleet /usr/sbin/policy-rc.d; ' +
      'systemctl daemon-reload; useradd -m tester',
  );
  expect((await run('command -v fleetd fleetctl fleet')).status).not.toBe(0);
  bare = await did(everywhere);
});

describe('the Debian package', () => {
  it('starts a fleetd that waits for etcd, and is a member once it is told of one', async () => {
    await did(install);
    expect(await did('systemctl is-active fleet.service fleet.socket fleet-leave.service')).toBe(
      'active\nactive\nactive',
    );
    expect(await did('systemctl is-enabled fleet.service fleet.socket fleet-leave.service')).toBe(
      'enabled\nenabled\nenabled',
    );
    expect(await did('stat -c "%a %U %G" /run/fleet.sock')).toBe('660 root fleet');
    await did('cat /root/conf >>/etc/fleet/fleet.conf');
    await did('systemctl restart fleet.service');
    await expect.poll(() => run('fleetctl list-machines'), patience).toMatchObject({ status: 0 });
  });

  it('lets members of its group, and nobody else, use fleetctl', async () => {
    const asTester = 'runuser -u tester -- fleetctl list-machines --no-legend';
    const refused = await run(asTester);
    expect(refused).toMatchObject({ status: 1, stdout: '' });
    expect(refused.stderr).toContain('no permission to use unix:///');
    expect(refused.stderr).toContain('usermod -aG fleet');
    await did('usermod -aG fleet tester');
    expect(await did(asTester)).toContain((await lab.machine('m1')).id.slice(0, 8));
  });

  it('is upgraded without a unit being touched', async () => {
    await did(`cat >/root/web.service <<'END'\n${sleeper()}END`);
    const single = sleeper('TimeoutStopSec=1s', '', '[X-Fleet]', 'OnPartition=stop');
    await did(`cat >/root/single.service <<'END'\n${single}END`);
    await did('fleetctl start --wait /root/web.service /root/single.service');
    started = await lives();
    const pid = await show('fleet.service', 'MainPID');
    await did(install);
    expect(await show('fleet.service', 'MainPID')).not.toBe(pid);
    await expect.poll(() => run('fleetctl list-machines'), patience).toMatchObject({ status: 0 });
    expect(await lives()).toEqual(started);
    expect(await did('cat /etc/fleet/fleet.conf')).toContain('etcd_key_prefix=/package/');
    expect(await did('find /var/cache/fleet -type f')).not.toBe('');
  });

  it('leaves stopped and disabled what an administrator has stopped and disabled', async () => {
    await did('systemctl disable --now fleet.socket fleet.service');
    await did(install);
    expect((await run('systemctl is-active fleet.service fleet.socket')).stdout).toBe(
      'inactive\ninactive\n',
    );
    expect((await run('systemctl is-enabled fleet.service')).stdout).toBe('disabled\n');
    await did('systemctl enable --now fleet.socket fleet.service');
  });

  it('is removed and purged while units run on, and adopts them when it comes back', async () => {
    await expect.poll(() => run('fleetctl list-machines'), patience).toMatchObject({ status: 0 });
    const { 'web.service': web } = await lives();
    expect(await did('dpkg -r flotilla')).toMatch(/run on, .*web\.service/);
    expect((await run('command -v fleetd fleetctl fleet')).status).not.toBe(0);
    expect(await did('dpkg -P flotilla')).toContain('still running');
    expect((await lives())['web.service']).toBe(web);
    await did(`systemctl daemon-reload; ${install}`);
    await did('cat /root/conf >>/etc/fleet/fleet.conf');
    await did('systemctl restart fleet.service');
    await expect
      .poll(
        async () => (await run('fleetctl list-units --no-legend --fields unit,active')).stdout,
        patience,
      )
      .toMatch(/web\.service\s+active/);
    expect((await lives())['web.service']).toBe(web);
  });

  it('leaves nothing once its units are gone', async () => {
    await did('fleetctl destroy web.service single.service');
    await expect
      .poll(() => run('systemctl is-active web.service single.service'), patience)
      .toMatchObject({
        stdout: 'inactive\ninactive\n',
      });
    await did('dpkg -P flotilla');
    expect(differences(bare, await did(everywhere))).toEqual([]);
  });
});

describe('the tarball', () => {
  it('is installed, upgraded over itself and taken off by its install.sh', async () => {
    await did(
      'mkdir /root/tree; tar -xzf /root/flotilla.tar.gz -C /root/tree --strip-components=1',
    );
    await did('/root/tree/install.sh --prefix /opt/fleet');
    expect(await did('/opt/fleet/bin/fleetctl --version')).toMatch(/^fleetctl version \d/);
    expect(await did('systemctl is-active fleet.service fleet.socket')).toBe('active\nactive');
    const pid = await show('fleet.service', 'MainPID');
    await did('/root/tree/install.sh --prefix /opt/fleet');
    expect(await show('fleet.service', 'MainPID')).not.toBe(pid);
    await did('/root/tree/install.sh --uninstall --purge');
    expect(differences(bare, await did(everywhere))).toEqual([]);
  });
});

describe('the executable', () => {
  it('is the same when it is made again', async () => {
    const again = mkdtempSync(join(made, 'again-'));
    const path = join(again, 'fleet');
    makeExecutable(nodeBinary(architecture, again), makeBlob('dist/bin', again), path);
    const hash = createHash('sha256').update(readFileSync(path)).digest('hex');
    expect(readFileSync(join(made, 'SHA256SUMS'), 'utf8')).toContain(`${hash}  fleet-`);
  });
});

/** As npm run has it. */
function pathOfCheckout(): NodeJS.ProcessEnv {
  return { ...process.env, PATH: `${join(top, 'node_modules/.bin')}:${process.env['PATH'] ?? ''}` };
}

function differences(before: string, after: string): readonly string[] {
  const [old, now] = [new Set(before.split('\n')), new Set(after.split('\n'))];
  // systemctl and Debian's helpers tidy up: folders that were empty before go with our links.
  const gone = [...old].filter((line) => !now.has(line) && !line.startsWith('d '));
  return [
    ...gone.map((line) => `- ${line}`),
    ...[...now].filter((line) => !old.has(line)).map((line) => `+ ${line}`),
  ];
}
