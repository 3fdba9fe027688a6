import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { bootMachine, poweroffMachine } from '../../src/lab/power.ts';
import type { RunResult } from '../../src/lab/run.ts';
import { patience } from './with-fleet.ts';
import { withLab } from './with-lab.ts';

const lab = withLab({ machineCount: 1, etcd: 'shared' });
const discovery = 'http://127.0.0.1:12379/v2/keys/discovery/mine';

async function run(script: string, input = ''): Promise<RunResult> {
  return lab.exec('m1', ['sh', '-c', script], { input });
}

async function did(script: string, input = ''): Promise<string> {
  const ran = await run(script, input);
  expect(ran.status, `${script}\n${ran.stderr}`).toBe(0);
  return ran.stdout.trim();
}

function place(path: string, text: string): Promise<string> {
  return did(`mkdir -p "$(dirname ${path})"; cat >${path}`, text);
}

/** Applies a config by hand. */
async function apply(text: string): Promise<RunResult> {
  await place('/root/user-data', text);
  return run('fleet-cloudinit --from-file /root/user-data');
}

/** All that a config can change, with mode, owner, size and time of last change. */
function state(): Promise<string> {
  const places = '/etc /home /opt /root/.ssh /run/systemd/system /var/lib/fleet-cloudinit';
  const files = `find ${places} -printf '%p %m %u %s %T@ %l\\n' 2>/dev/null | sort`;
  return did(`${files}; hostname; systemctl list-units --plain --no-legend 'c*.service'`);
}

function talk(): string {
  const text = readFileSync(new URL('../golden/cloudinit/talk.user-data', import.meta.url), 'utf8');
  const here = text.replace(/discovery: .*/, `discovery: ${discovery}`);
  // Its first word comes before etcd serves; the next one need not take so long here.
  return here.replace('sleep 45', 'sleep 1');
}

const config = `#cloud-config
hostname: renamed
manage_etc_hosts: localhost
users:
  - name: elroy
    passwd: $6$salt$Lmf8kLNZHn3oNIp4FZH7Hp9cI2ipbPWJRYbbbEA7I7m.1w2Cz8MoCvbvCMs
    groups: [adm]
    shell: /bin/sh
    ssh_authorized_keys: [ssh-ed25519 AAAAelroy elroy@example]
ssh_authorized_keys:
  - ssh-ed25519 AAAAcore core@example
write_files:
  - path: /opt/c/run
    permissions: "0750"
    owner: elroy:adm
    content: |
      #!/bin/sh
      echo "$WORD" >/var/tmp/c-ran
      exec sleep infinity
  - path: /home/elroy/notes
    owner: elroy
    content: mine
coreos:
  units:
    - name: c-web.service
      enable: true
      command: start
      content: |
        [Service]
        ExecStart=/opt/c/run
        [Install]
        WantedBy=multi-user.target
      drop-ins:
        - name: 10-word.conf
          content: |
            [Service]
            Environment=WORD=hello
    - name: c-runtime.service
      runtime: true
      command: start
      content: |
        [Service]
        ExecStart=/bin/sleep infinity
    - name: c-masked.service
      mask: true
`;

beforeAll(async () => {
  const units = ['etcd.service', 'fleet-cloudinit.service', 'media-configdrive.mount'];
  for (const unit of units) {
    const text = readFileSync(new URL(`../../units/${unit}`, import.meta.url), 'utf8');
    await place(`/etc/systemd/system/${unit}`, text);
  }
  const start = 'exec /opt/flotilla/node /opt/flotilla/bin/fleet-cloudinit.cjs "$@"';
  await place('/usr/bin/fleet-cloudinit', `#!/bin/sh\n${start}\n`);
  // As a machine that no lab has configured, but for where this computer asks its fleetd.
  const conf = '/etc/fleet/fleet.conf';
  const fleetd = 'systemctl disable --now fleet fleet-leave; rm -rf /var/lib/fleet';
  const stop = `${fleetd}; sed -i '/api_listen\\|tcp/!d' ${conf}`;
  await did(`chmod 755 /usr/bin/fleet-cloudinit; ${stop}; systemctl daemon-reload`);
});

describe('fleet-cloudinit on a machine', () => {
  it('changes nothing when anything is wrong, even at the very end', async () => {
    const before = await state();
    const bad = await apply(`${config}    - name: c-last\n`);
    expect(bad.status).toBe(1);
    expect(bad.stderr).toContain(
      `/root/user-data:${config.split('\n').length}:13: unit name "c-last" has no type; add one`,
    );
    const absent = await apply(`${config}    - {name: c-absent.service, command: start}\n`);
    expect([absent.status, absent.stderr]).toEqual([
      1,
      expect.stringContaining('there is no c-absent.service on this machine to start'),
    ]);
    const away = await apply(talk());
    expect(away.status).toBe(1);
    expect(away.stderr).toMatch(
      /user-data:5:16: coreos\.etcd\.discovery: http\S+ does not answer \(.*ECONNREFUSED/,
    );
    expect(await state()).toBe(before);
  });

  it('makes users, keys, files and units what they are said to be', async () => {
    const { status, stderr } = await apply(config);
    expect([status, stderr]).toEqual([0, expect.stringContaining('ran systemctl start c-web')]);
    expect(await did('hostname; cat /etc/hostname; getent hosts renamed')).toMatch(
      /^renamed\nrenamed\n127\.0\.0\.1 +renamed$/,
    );
    expect(await did('id -Gn elroy; getent passwd elroy')).toMatch(
      /^elroy adm\nelroy:x:\d+:\d+::\/home\/elroy:\/bin\/sh$/,
    );
    expect(await did('getent shadow elroy')).toContain(':$6$salt$Lmf8k');
    const keys = 'authorized_keys';
    expect(
      await did(
        `cd /home; stat -c '%n %a %U:%G' */.ssh */.ssh/${keys}; su elroy -c 'cat ~/.ssh/a*'`,
      ),
    ).toBe(
      [
        ...['core/.ssh 700 core:core', 'elroy/.ssh 700 elroy:elroy'],
        ...[`core/.ssh/${keys} 600 core:core`, `elroy/.ssh/${keys} 600 elroy:elroy`],
        '# fleet-cloudinit: begin coreos-cloudinit',
        'ssh-ed25519 AAAAelroy elroy@example',
        '# fleet-cloudinit: end coreos-cloudinit',
      ].join('\n'),
    );
    expect(
      await did("stat -c '%a %U:%G' /opt/c/run /home/elroy /home/elroy/notes; ls -A /home/elroy"),
    ).toMatch(/^750 elroy:adm\n7\d\d elroy:elroy\n644 elroy:\w+\n\.bash/);
    const facts = 'systemctl show -P UnitFileState -P ActiveState';
    expect(await did(`${facts} c-web c-runtime; systemctl is-enabled c-masked || true`)).toBe(
      'active\nenabled\n\nactive\nstatic\nmasked',
    );
    await expect.poll(() => did('cat /var/tmp/c-ran'), patience).toBe('hello');
  });

  it('finds nothing to do the second time, and restarts nothing', async () => {
    const invocations = 'systemctl show -P InvocationID c-web c-runtime';
    const before = [await state(), await did(invocations)];
    const { status, stderr } = await apply(config);
    expect(status).toBe(0);
    expect(stderr).not.toMatch(/: (wrote|linked|removed) |useradd|daemon-reload/);
    expect([await state(), await did(invocations)]).toEqual(before);
  });

  it('tells which unit did not start, and has done the rest', async () => {
    const broken = '[Service]\n        Type=oneshot\n        ExecStart=/bin/false';
    const { status, stderr } = await apply(`#cloud-config
coreos:
  units:
    - name: c-broken.service
      command: start
      content: |
        ${broken}
    - name: c-other.service
      command: start
      content: |
        [Service]
        ExecStart=/bin/sleep infinity
`);
    expect(status).toBe(1);
    expect(stderr).toMatch(/systemctl start c-broken\.service: status 1: Job for c-broken/);
    expect(await did('systemctl is-active c-other')).toBe('active');
  });

  it('runs a script as a unit of its own, and waits for it', async () => {
    const script = '#!/bin/bash\nsystemctl --no-pager status $$ | head -n 1 >/var/tmp/c-script\n';
    expect((await apply(script)).status).toBe(0);
    expect(await did('cat /var/tmp/c-script')).toContain('fleet-cloudinit-script.service');
    const failed = await apply('#!/bin/sh\nexit 3\n');
    expect([failed.status, failed.stderr]).toEqual([1, expect.stringContaining('systemd-run')]);
  });
});

describe('the config of the talk', () => {
  it('starts etcd, fleetd and the unit that announces its machine, at a boot', async () => {
    // At the boot itself: the discovery service comes up late, and is asked again.
    await place('/etc/fleet/cloud-config.yml', talk());
    const etcd = 'http://127.0.0.1:12379';
    const exec = [
      ...['/usr/bin/etcd', '--enable-v2', '--data-dir', '/var/lib/etcd/discovery'],
      ...['--listen-client-urls', etcd, '--advertise-client-urls', etcd],
      ...['--listen-peer-urls', 'http://127.0.0.1:12380'],
    ];
    // That fleet-cloudinit finds it neither there nor ready is what a boot is like.
    const size = `etcdctl --endpoints ${etcd} set /discovery/mine/_config/size 1`;
    const set = `sleep 2; until ETCDCTL_API=2 ${size}; do sleep 0.2; done`;
    await place(
      '/etc/systemd/system/discovery.service',
      `[Service]\nUser=etcd\nExecStart=${exec.join(' ')}\n` +
        `ExecStartPost=/bin/sh -c '${set}'\n[Install]\nWantedBy=multi-user.target\n`,
    );
    await did('systemctl enable discovery fleet-cloudinit');
    await poweroffMachine(lab.context, 'm1');
    await bootMachine(lab.context, 'm1').catch(async (error: unknown) => {
      const journal = 'journalctl -b -o short-monotonic --no-pager -n 60';
      const { stdout } = await run(`${journal} -u fleet-cloudinit -u etcd -u fleet -u discovery`);
      throw new Error(stdout, { cause: error });
    });
    const units = ['fleet-cloudinit', 'etcd', 'fleet', 'host'];
    await expect
      .poll(async () => (await run(`systemctl is-active ${units.join(' ')}`)).stdout, patience)
      .toBe('active\nactive\nactive\nactive\n');
    const id = await did('cat /etc/machine-id');
    const { address } = await lab.machine('m1');
    const v2 = 'ETCDCTL_API=2 etcdctl';
    await expect
      .poll(async () => (await run(`${v2} get /hosts/${id}`)).stdout.trim(), patience)
      .toBe(address);
    const ttl = await did(`${v2} -o extended get /hosts/${id}`);
    expect(Number(/^TTL: (\d+)$/m.exec(ttl)?.[1])).toBeGreaterThan(0);
    await expect
      .poll(async () => (await run('fleetctl list-machines')).stdout, patience)
      .toContain(address);
    expect(await did(`${v2} member list`)).toMatch(
      new RegExp(`name=${id} peerURLs=http://${address}:7001 clientURLs=http://${address}:4001`),
    );
    // A member that has found its cluster needs no discovery service for its next boot.
    await did('systemctl disable --now discovery');
    expect((await run('fleet-cloudinit --from-file /etc/fleet/cloud-config.yml')).status).toBe(0);
  });
});
