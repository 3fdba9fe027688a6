import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { runOk } from '../../src/lab/run.ts';
import { packagesPath, startSshd } from './sshd.ts';
import { patience, placed, sleeper, withFleet } from './with-fleet.ts';

// Before the machines boot: they see this computer's programs.
beforeAll(async () => {
  await runOk([packagesPath, 'openssh-server', 'openssh-client'], { timeoutMs: 300_000 });
});
const fleet = withFleet({ machineCount: 2, etcd: 'shared' });
const { lab, did, file } = fleet;

const uid = 4711;
const runtime = `/run/user/${uid}`;

/** A script as the user whose systemd m1's fleetd drives. */
function asUser(text: string): Promise<string> {
  const variables = `XDG_RUNTIME_DIR=${runtime} DBUS_SESSION_BUS_ADDRESS=unix:path=${runtime}/bus`;
  const quoted = `'${text.replaceAll("'", "'\\''")}'`;
  return fleet.script('m1', `runuser -u walt -- env ${variables} bash -ec ${quoted}`);
}

function shipped(name: string): string {
  return readFileSync(fileURLToPath(new URL(`../../units/user/${name}`, import.meta.url)), 'utf8');
}

async function invocation(unit: string): Promise<string> {
  const text = await asUser(`systemctl --user show -p InvocationID --value ${unit}`);
  return text.trim();
}

const joined = (count: number): Promise<void> =>
  expect
    .poll(async () => (await did('list-machines', '--no-legend')).split('\n').length - 1, patience)
    .toBe(count);

const isActive = (unit: string): Promise<string> =>
  asUser(`systemctl --user is-active ${unit} || true`);

describe("fleetd of a user's systemd", () => {
  it('joins the cluster', async () => {
    await fleet.script('m1', 'systemctl disable --now fleet.service fleet-leave.service');
    await fleet.script(
      'm1',
      `useradd --create-home --password '*' --uid ${uid} --shell /bin/bash walt`,
    );
    await fleet.script('m1', `systemctl start user@${uid}.service`);
    await asUser('mkdir -p ~/.config/fleet ~/.config/systemd/user');
    await asUser(
      '(grep -v api_listen /etc/fleet/fleet.conf; echo systemd_user=true;' +
        `echo "api_listen=unix://${runtime}/fleet.sock,tcp://0.0.0.0:49153")` +
        '> ~/.config/fleet/fleet.conf',
    );
    for (const name of ['fleet.service', 'fleet-leave.service']) {
      await asUser(`cat > ~/.config/systemd/user/${name} <<'UNIT'\n${shipped(name)}UNIT`);
    }
    await asUser('systemctl --user daemon-reload; systemctl --user enable --now fleet.service');
    await asUser('systemctl --user enable fleet-leave.service');
    await joined(2);
  });

  it('starts units there, and nowhere else', async () => {
    const { id } = await lab.machine('m1');
    const text = placed(`MachineID=${id}`, '', '[Install]', 'WantedBy=default.target');
    const said = await did('start', '--wait', file('mine.service', text));
    expect(said).toContain(`Unit mine.service active on ${id.slice(0, 8)}.../`);
    expect(await isActive('mine.service')).toBe('active\n');
    const owner = 'ps -o uid= -p $(systemctl --user show -p MainPID --value mine.service)';
    expect(Number(await asUser(owner))).toBe(uid);
    expect(await fleet.script('m1', 'systemctl is-active mine.service || true')).toBe('inactive\n');
    expect(await fleet.script('m1', 'ls /run/fleet/units 2>/dev/null || true')).toBe('');
  });

  it('tells which setting of a unit its systemd found bad', async () => {
    const { id } = await lab.machine('m1');
    const text = `[Service]\nType=simple\n[X-Fleet]\nMachineID=${id}\n`;
    const { status, stderr } = await fleet.fleetctl(['start', file('nothing.service', text)]);
    expect([status, stderr]).toEqual([
      1,
      expect.stringContaining('1 machine: refused: bad-setting: Service has no ExecStart='),
    ]);
    await did('destroy', 'nothing');
  });

  it("keeps its files and links under the user's run-time folder", async () => {
    const found = await asUser(`cd ${runtime}; find fleet systemd/user -name '*mine*' | sort`);
    expect(found.trim().split('\n')).toEqual([
      'fleet/installs/mine.service.json',
      'fleet/loaded/mine.service.json',
      'fleet/receipts/mine.service.json',
      'fleet/units/mine.service',
      'systemd/user/default.target.wants/mine.service',
      'systemd/user/mine.service',
      'systemd/user/mine.service.d',
    ]);
    expect(await asUser('ls ~/.local/state/fleet')).toBe('cluster.json\n');
  });

  it('answers on a socket of the user', async () => {
    const said = await asUser(`fleetctl --endpoint unix://${runtime}/fleet.sock list-units`);
    expect(said).toContain('mine.service');
  });

  it('has units that status and journal do not find, and systemctl --user there does', async () => {
    for (const command of ['status', 'journal']) {
      const here = ['fleetctl', '--endpoint', 'http://localhost:49153', command, 'mine'];
      const ran = await lab.exec('m1', here);
      expect(`${ran.stdout}${ran.stderr}`).toMatch(/could not be found|No entries/);
    }
    await asUser("ssh-keygen -q -t ed25519 -N '' -f ~/.ssh-key");
    await startSshd(lab, 'm1', (await asUser('cat ~/.ssh-key.pub')).trim());
    await asUser('mkdir -p ~/.ssh; echo "IdentityFile ~/.ssh-key" >~/.ssh/config');
    const flags = `--endpoint unix://${runtime}/fleet.sock --ssh-username walt`;
    const ssh = `fleetctl ${flags} --strict-host-key-checking=accept-new ssh mine`;
    // A login by PAM, which this sshd leaves out, would set the variable.
    const there = `env XDG_RUNTIME_DIR=${runtime} systemctl --user is-active mine`;
    expect(await asUser(`${ssh} ${there}`)).toBe('active\n');
  });

  it('restarts no unit when it restarts or is killed', async () => {
    const before = await invocation('mine.service');
    const daemon = await invocation('fleet.service');
    await asUser('systemctl --user kill -s KILL fleet.service');
    await expect.poll(() => invocation('fleet.service'), patience).not.toBe(daemon);
    await asUser('systemctl --user restart fleet.service');
    await joined(2);
    const found = () => did('list-units', '--no-legend');
    await expect.poll(found, patience).toContain('running');
    expect(await invocation('mine.service')).toBe(before);
  });

  it("leaves the cluster at once with the user's systemd, and its units start elsewhere", async () => {
    const { id } = await lab.machine('m1');
    await fleet.script('m2', 'systemctl stop fleet.service'); // so that m1 gets it
    const path = file('moves.service', sleeper());
    const start = await fleet.fleetctl(['start', '--timeout', '60s', path], { via: 'm1' });
    expect(start.stdout).toContain(id.slice(0, 8));
    await fleet.script('m2', 'systemctl start fleet.service');
    await joined(2);
    await fleet.script('m1', `systemctl stop user@${uid}.service`);
    const { stdout } = await fleet.fleetctl(['list-machines', '--no-legend'], { via: 'm2' });
    expect(stdout).not.toContain(id.slice(0, 8));
    // The user's bus may end before fleetd hears of it: then fleet-leave.service alone did it.
    const leave = 'journalctl -o cat _SYSTEMD_USER_UNIT=fleet-leave.service';
    expect(await fleet.script('m1', leave)).toMatch(/left the cluster|has left already/);
    await expect
      .poll(
        async () => (await lab.exec('m2', ['systemctl', 'is-active', 'moves'])).stdout,
        patience,
      )
      .toBe('active\n');
  });

  it("starts its own units anew with the next life of the user's systemd", async () => {
    await fleet.script('m1', `systemctl start user@${uid}.service`);
    await joined(2);
    await expect.poll(() => isActive('mine.service'), patience).toBe('active\n');
    expect(await isActive('moves.service')).toBe('inactive\n');
  });

  it('starts them anew also where its files outlived that life', async () => {
    const before = await invocation('mine.service');
    await fleet.script('m1', `systemctl start user-runtime-dir@${uid}; mkdir /tmp/kept`);
    await fleet.script('m1', `cp -a ${runtime}/fleet /tmp/kept/`);
    await fleet.script('m1', `systemctl stop user@${uid}.service`);
    await fleet.script('m1', `systemctl start user-runtime-dir@${uid}.service`);
    await fleet.script('m1', `cp -a /tmp/kept/fleet ${runtime}/`);
    await fleet.script('m1', `systemctl start user@${uid}.service`);
    await joined(2);
    await expect.poll(() => isActive('mine.service'), patience).toBe('active\n');
    expect(await invocation('mine.service')).not.toBe(before);
  });

  it('refuses to run beside the fleetd of the system', async () => {
    const journal = 'journalctl -u fleet.service -o cat --no-pager';
    await fleet.script('m1', "sed -i '/^api_listen/d' /etc/fleet/fleet.conf"); // its port is taken
    await fleet.script('m1', 'systemctl start --no-block fleet.service');
    await expect
      .poll(() => fleet.script('m1', journal), patience)
      .toContain('another living machine has this machine-id');
    expect(await isActive('mine.service')).toBe('active\n');
  });
});
