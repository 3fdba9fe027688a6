// The options of fleetctl about the way to fleetd and to machines, by flag and by variable, from a
// machine where the user has an ssh-agent and no key file.
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { globalFlags } from '../../src/fleetctl/global-flags.ts';
import { type RunResult, runOk } from '../../src/lab/run.ts';
import { makeAuthority, type TestAuthority } from '../contract/certificates.ts';
import { packagesPath, script, startSshd } from './sshd.ts';
import { placed, withFleet } from './with-fleet.ts';

// Before the machines boot: they see this computer's programs.
beforeAll(async () => {
  const packages = ['openssh-server', 'openssh-client', 'openssl', 'sudo'];
  await runOk([packagesPath, ...packages], { timeoutMs: 300_000 });
});
const fleet = withFleet({ machineCount: 2 });
const { lab } = fleet;

const home = '/home/ann';
const tls = '/etc/test-tls';
const ports = { tls: 8443, silent: 7999, ssh: 2222 } as const;
let address = '';

type Variables = Readonly<Record<string, string>>;

/** Runs a program as ann on m2. Of her keys only her agent knows. */
function ann(variables: Variables, ...argv: readonly string[]): Promise<RunResult> {
  const own = { HOME: home, USER: 'ann', LOGNAME: 'ann', SSH_AUTH_SOCK: `${home}/agent.sock` };
  const pairs = Object.entries({ ...own, ...variables }).map(([name, value]) => `${name}=${value}`);
  const asAnn = ['setpriv', '--reuid=ann', '--regid=ann', '--init-groups', 'env', '-C', home];
  return lab.exec('m2', [...asAnn, ...pairs, ...argv]);
}

/** What holds unless a test says otherwise. */
const usual = (): Variables => ({
  FLEETCTL_ENDPOINT: `http://${address}:49153`,
  FLEETCTL_KNOWN_HOSTS_FILE: `${home}/known`,
});

function fleetctl(...args: readonly string[]): Promise<RunResult> {
  return ann(usual(), 'fleetctl', ...args);
}

async function issue(authority: TestAuthority, name: string): Promise<void> {
  const { cert, key } = await authority.issue(name, address);
  for (const [file, path] of [
    [`${name}.pem`, cert],
    [`${name}.key`, key],
    [`${name}-ca.pem`, authority.ca],
  ] as const) {
    for (const machine of ['m1', 'm2'] as const) {
      const put = `mkdir -p ${tls}; cat >${tls}/${file}; chmod 644 ${tls}/${file}`;
      await lab.exec(machine, ['sh', '-ec', put], { input: readFileSync(path, 'utf8') });
    }
  }
}

// As an operator has it: something in front of fleetd that speaks TLS and asks who is there.
const proxy = `const [tls, net, fs] = ['tls', 'net', 'fs'].map(require);
const pem = (name) => fs.readFileSync('${tls}/' + name);
const options = { cert: pem('ours.pem'), key: pem('ours.key'), ca: pem('ours-ca.pem') };
const server = tls.createServer({ ...options, requestCert: true }, (client) => {
  const fleetd = net.connect('/run/fleet.sock');
  client.on('error', () => fleetd.destroy());
  fleetd.on('error', () => client.destroy());
  client.pipe(fleetd).pipe(client);
});
server.on('tlsClientError', () => undefined);
server.listen(${ports.tls});
net.createServer((client) => client.on('error', () => undefined)).listen(${ports.silent});`;

beforeAll(async () => {
  address = (await lab.machine('m1')).address;
  for (const name of ['ours', 'stranger']) {
    const authority = await makeAuthority();
    await issue(authority, name);
    await authority.remove();
  }
  await lab.exec('m1', ['sh', '-c', 'cat >/root/proxy.cjs'], { input: proxy });
  await script(lab, 'm1', [
    'systemd-run --quiet --unit test-proxy /opt/flotilla/node /root/proxy.cjs',
    `until bash -c "exec 3<>/dev/tcp/127.0.0.1/${ports.silent}" 2>/dev/null; do sleep 0.1; done`,
  ]);
  await script(lab, 'm2', [
    `useradd --create-home --password '*' --shell /bin/bash ann`,
    "echo 'ann ALL=(root) NOPASSWD: /usr/bin/journalctl' >/etc/sudoers.d/ann",
  ]);
  await ann({}, 'ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', `${home}/key`);
  const key = (await ann({}, 'cat', `${home}/key.pub`)).stdout.trim();
  await ann({}, 'ssh-agent', '-a', `${home}/agent.sock`);
  await ann({}, 'ssh-add', '-q', `${home}/key`);
  await ann({}, 'rm', `${home}/key`, `${home}/key.pub`);
  const hostKey = await startSshd(lab, 'm1', key);
  await startSshd(lab, 'm2', key);
  const known = [address, `[${address}]:${ports.ssh}`].map((host) => `${host} ${hostKey}\n`);
  await lab.exec('m2', ['sh', '-c', `cat >${home}/known`], { input: known.join('') });
  await script(lab, 'm1', [
    `systemd-run -q --unit other-sshd /usr/sbin/sshd -D -e -f /etc/test-ssh/config -p ${ports.ssh}`,
    `until bash -c "exec 3<>/dev/tcp/127.0.0.1/${ports.ssh}" 2>/dev/null; do sleep 0.1; done`,
    // May not read the journal, and may become root.
    `useradd --create-home --password '*' --shell /bin/bash bob`,
    "echo 'bob ALL=(root) NOPASSWD: ALL' >/etc/sudoers.d/bob",
  ]);
  for (const [name, machine] of [
    ['web.service', 'm1'],
    ['here.service', 'm2'],
  ] as const) {
    const { id } = await lab.machine(machine);
    const say = 'ExecStartPre=/bin/echo a word of %n';
    const text = placed(`MachineID=${id}`).replace('[Service]\n', `[Service]\n${say}\n`);
    await fleet.did('start', '--wait', fleet.file(name, text));
  }
});

describe('fleetctl ssh -A', () => {
  it('lets the machine use the agent, to go on to others too; without it there is none', async () => {
    const fingerprint = (await ann({}, 'ssh-add', '-l')).stdout;
    expect(fingerprint).toMatch(/ED25519/);
    for (const flag of ['-A', '--A', '--forward-agent', '--forward-agent=true']) {
      expect(await fleetctl('ssh', flag, 'web', 'ssh-add', '-l')).toMatchObject({
        status: 0,
        stdout: fingerprint,
      });
    }
    const none = await fleetctl('ssh', 'web', 'ssh-add', '-l');
    expect([none.status, none.stdout]).toEqual([2, '']);
    expect(none.stderr).toContain('Could not open a connection to your authentication agent');
    const on = 'ssh -o BatchMode=yes -o StrictHostKeyChecking=no core@m2 hostname';
    expect((await fleetctl('ssh', '-A', 'web', on)).stdout).toBe('m2\n');
    expect((await fleetctl('ssh', 'web', on)).stderr).toContain('Permission denied');
  });
});

describe('--ssh-port', () => {
  it('is where sshd is asked, by ssh, status and journal', async () => {
    const port = ['--ssh-port', String(ports.ssh)];
    const answer = await fleetctl('ssh', ...port, 'web', 'echo', '$SSH_CONNECTION');
    expect(answer.stdout.trim().split(' ')[3]).toBe(String(ports.ssh));
    expect((await fleetctl('status', ...port, 'web')).stdout).toContain('active (running)');
    expect((await fleetctl('journal', ...port, 'web')).stdout).toContain('a word of web.service');
    const accepted = await script(lab, 'm1', ['journalctl -q -u other-sshd -o cat']);
    expect(accepted.match(/Accepted publickey for core/g)).toHaveLength(3);
    const nobody = await fleetctl('ssh', '--ssh-port', '2', 'web', 'true');
    expect([nobody.status, nobody.stderr]).toEqual([255, expect.stringContaining('refused')]);
  });
});

describe('journal --sudo', () => {
  it('reads what only root may read there, and here when the unit is on this machine', async () => {
    for (const [user, unit] of [
      ['bob', 'web'],
      ['ann', 'here'],
    ] as const) {
      const journal = ['--ssh-username', user, 'journal', '-o', 'cat', '-n', 'all'];
      const words = `a word of ${unit}.service\n`;
      expect((await fleetctl(...journal, unit)).stdout).not.toContain(words);
      const asRoot = await fleetctl(...journal, '--sudo', unit);
      expect([asRoot.status, asRoot.stdout]).toEqual([0, expect.stringContaining(words)]);
    }
  });
});

describe('--debug', () => {
  it('tells each request and how ssh is run, on stderr only', async () => {
    const asked = await fleetctl('--debug', 'cat', 'web');
    expect(asked.stdout).toBe((await fleetctl('cat', 'web')).stdout);
    expect(asked.stderr).toMatch(/^debug: GET \/fleet\/v1\/units\/web\.service: 200 in \d+ ms$/m);
    expect((await fleetctl('cat', 'web')).stderr).toBe('');
    const ran = await fleetctl('--debug', 'ssh', 'web', 'hostname');
    expect([ran.stdout, ran.stderr]).toEqual(['m1\n', expect.stringMatching(/^debug: .*ssh -F /m)]);
  });

  it('shows where an error comes from, which nobody is shown otherwise', async () => {
    const lost = ['--endpoint', 'http://127.0.0.1:1', 'list-units'];
    const told = await fleetctl('--debug', ...lost);
    expect([told.status, told.stderr]).toEqual([1, expect.stringMatching(/^\s+at .*:\d+\)$/m)]);
    expect((await fleetctl(...lost)).stderr).not.toMatch(/^\s+at /m);
  });
});

describe('switches as fleet 1.0 took them', () => {
  it('--full=true, --l and -l are alike, and --full=false is nothing', async () => {
    const list = (...flags: readonly string[]) => fleetctl('list-units', ...flags);
    const { id } = await lab.machine('m1');
    for (const flag of ['--full=true', '--full=T', '--full', '-l', '--l']) {
      expect((await list(flag)).stdout).toContain(`${id}/${address}`);
    }
    expect((await list('--full=false')).stdout).toBe((await list()).stdout);
    expect((await list('--no-legend=1')).stdout).not.toContain('UNIT');
    expect((await fleetctl('--h')).stdout).toContain('Usage: fleetctl');
    const follow = ['timeout', '--signal=INT', '2', 'fleetctl', 'journal', '-o', 'cat'];
    const followed = await Promise.all(
      ['-f', '--f'].map((flag) => ann(usual(), ...follow, flag, 'web')),
    );
    for (const { status, stdout } of followed) {
      expect([status, stdout]).toEqual([124, expect.stringContaining('a word of web')]);
    }
  });
});

/** A flag with a value that shows, one that does not, and a command line by which it does. */
interface Row {
  readonly variable: string;
  readonly value: string;
  readonly otherwise: string;
  readonly args: () => readonly string[];
  readonly shows: RegExp;
  /** In place of the usual variables. */
  readonly variables?: Variables;
}

const list = () => ['list-machines', '--no-legend', '--fields', 'ip'];
const secure = (...flags: readonly string[]) => [
  ...['--endpoint', `https://${address}:${ports.tls}`, ...flags],
  ...list(),
];
const [ca, cert, key] = ['ours-ca.pem', 'ours.pem', 'ours.key'].map((name) => `${tls}/${name}`) as [
  string,
  string,
  string,
];
const bothListed = /^0\n(10\.88\.\d+\.1[12]\n){2}$/;
const listedByOldName =
  /^0\n(10\.88\.\d+\.1[12]\n){2}fleetctl: .*etcd.\w+file is deprecated: it is called .*\n$/i;

function rows(): readonly Row[] {
  const silent = `http://${address}:${ports.silent}`;
  const known = { FLEETCTL_KNOWN_HOSTS_FILE: `${home}/known` };
  const stranger = (name: string): string => `${tls}/stranger${name}`;
  return [
    row('ENDPOINT', [`http://${address}:49153`, 'http://127.0.0.1:1'], bothListed, list),
    row('REQUEST_TIMEOUT', ['300ms', '1'], /did not answer within 0\.3 s/, () => [
      ...['--endpoint', silent, ...list()],
    ]),
    row(
      'TUNNEL',
      [address, '127.0.0.1:2'],
      bothListed,
      () => ['--ssh-username=root', ...list()],
      known,
    ),
    row('SSH_USERNAME', ['bob', 'nobody-there'], /^0\nbob\n/, () => ['ssh', 'web', 'id', '-un']),
    row(
      'SSH_TIMEOUT',
      ['1', '2'],
      /^1\n.*: Timed out after 1 s$/m,
      () => ['--tunnel', `${address}:${ports.silent}`, ...list()],
      known,
    ),
    row('STRICT_HOST_KEY_CHECKING', ['false', 'true'], /^0\nm1\n/, () => [
      ...['--known-hosts-file', '/dev/null', 'ssh', 'web', 'hostname'],
    ]),
    row('KNOWN_HOSTS_FILE', [`${home}/known`, '/dev/null'], /^0\nm1\n/, () => [
      ...['ssh', 'web', 'hostname'],
    ]),
    row('CA_FILE', [ca, stranger('-ca.pem')], bothListed, () =>
      secure('--cert-file', cert, '--key-file', key),
    ),
    row('CERT_FILE', [cert, stranger('.pem')], bothListed, () =>
      secure('--ca-file', ca, '--key-file', key),
    ),
    row('KEY_FILE', [key, stranger('.key')], bothListed, () =>
      secure('--ca-file', ca, '--cert-file', cert),
    ),
    row('ETCD_CAFILE', [ca, stranger('-ca.pem')], listedByOldName, () =>
      secure('--cert-file', cert, '--key-file', key),
    ),
    row('ETCD_CERTFILE', [cert, stranger('.pem')], listedByOldName, () =>
      secure('--ca-file', ca, '--key-file', key),
    ),
    row('ETCD_KEYFILE', [key, stranger('.key')], listedByOldName, () =>
      secure('--ca-file', ca, '--cert-file', cert),
    ),
    row('DRIVER', ['API', 'etcd'], bothListed, list),
    row('DEBUG', ['true', 'false'], /^debug: GET \/fleet\/v1\/machines/m, list),
    row('EXPERIMENTAL_API', ['true', 'false'], /^0\n[\s\S]*-api has no effect/, list),
    ...globalFlags
      .filter(({ usage, what }) => what.startsWith('without effect') && usage.includes('<'))
      .map(({ variable }) => {
        const name = variable.replace('FLEETCTL_', '');
        return row(name, ['/x', ''], /^0\n[\s\S]* has no effect/, list);
      }),
  ];
}

function row(
  name: string,
  [value, otherwise]: readonly [string, string],
  shows: RegExp,
  args: Row['args'],
  variables?: Variables,
): Row {
  const variable = `FLEETCTL_${name}`;
  return { variable, value, otherwise, args, shows, ...(variables && { variables }) };
}

/** How a run ended and what it said: status, stdout, stderr. */
async function outcome(variables: Variables, args: readonly string[]): Promise<string> {
  const { status, stdout, stderr } = await ann(variables, 'fleetctl', ...args);
  return `${status}\n${stdout}${stderr}`;
}

describe('every variable FLEETCTL_…', () => {
  const names = globalFlags.map(({ variable }) => variable);

  it('has a row below', () => {
    expect(
      rows()
        .map(({ variable }) => variable)
        .sort(),
    ).toEqual([...names].sort());
  });

  it.each(names)('%s does what its flag does, and the flag wins', async (name) => {
    const found = rows().find(({ variable }) => variable === name);
    if (found === undefined) throw new Error(`no row for ${name}`);
    const { value, otherwise, args, shows } = found;
    const { [name]: _own, ...others } = found.variables ?? usual();
    const flag = `--${name.replace('FLEETCTL_', '').toLowerCase().replaceAll('_', '-')}=${value}`;
    const [byVariable, byFlag, byBoth, byOther] = await Promise.all([
      outcome({ ...others, [name]: value }, args()),
      outcome(others, [flag, ...args()]),
      outcome({ ...others, [name]: otherwise }, [flag, ...args()]),
      outcome({ ...others, [name]: otherwise }, args()),
    ]);
    expect(byVariable).toMatch(shows);
    expect(byFlag).toMatch(shows);
    expect(byBoth).toMatch(shows);
    expect(byOther).not.toMatch(shows);
  });
});

describe('an https endpoint', () => {
  it('is refused by who does not know its authority, and refuses who shows nothing', async () => {
    const unknown = await fleetctl(...secure('--cert-file', cert, '--key-file', key));
    expect(unknown.stderr).toContain('is certified by somebody unknown');
    const nobody = await fleetctl(...secure('--ca-file', ca));
    expect([unknown.status, nobody.status]).toEqual([1, 1]);
    expect(nobody.stderr).toContain('--cert-file');
  });

  it('does all that http does', async () => {
    const flags = ['--ca-file', ca, '--cert-file', cert, '--key-file', key];
    const endpoint = ['--endpoint', `https://${address}:${ports.tls}`, ...flags];
    await lab.exec('m2', ['sh', '-c', `cat >${home}/over-tls.service`], { input: placed() });
    for (const words of ['start --wait', 'status', 'restart --wait', 'stop', 'destroy']) {
      const [verb = '', ...more] = words.split(' ');
      const ran = await fleetctl(...endpoint, verb, ...more, 'over-tls.service');
      expect({ verb, ...ran }).toMatchObject({ verb, status: 0, stderr: '' });
    }
  });
});

describe('what fleet 1.0 had besides', () => {
  const rootOnM1 = (...args: readonly string[]) => lab.exec('m1', ['fleetctl', ...args]);
  const machines = ['list-machines', '--no-legend', '--fields', 'ip'];

  it('file:// is the unix socket of a machine, for reading and for writing', async () => {
    const unix = await rootOnM1('--endpoint', 'unix:///run/fleet.sock', ...machines);
    expect(unix).toMatchObject({ status: 0, stderr: '' });
    const byFile = ['--endpoint', 'file:///var/run/fleet.sock'];
    expect(await rootOnM1(...byFile, ...machines)).toEqual(unix);
    await lab.exec('m1', ['sh', '-c', 'cat >/root/by-file.service'], { input: placed() });
    for (const verb of ['start', 'destroy']) {
      const ran = await rootOnM1(...byFile, verb, '/root/by-file.service');
      expect(ran).toMatchObject({ status: 0, stderr: '' });
    }
  });

  it('of several endpoints with commas between, the first that answers serves', async () => {
    const [m1, m2] = await Promise.all(['m1', 'm2'].map((name) => lab.machine(name)));
    const endpoints = [m2, m1].map((machine) => `http://${machine?.address}:49153`).join(',');
    const ask = (...args: readonly string[]) =>
      fleetctl('--debug', '--endpoint', endpoints, ...args);
    const asked = await ask('cat', 'here');
    expect(asked).toMatchObject({ status: 0, stdout: expect.stringContaining('ExecStart=') });
    await script(lab, 'm2', ['systemctl stop fleet']);
    const without = await ask('cat', 'here');
    expect(without).toMatchObject({ status: 0, stdout: asked.stdout });
    await lab.exec('m2', ['sh', '-c', `cat >${home}/comma.service`], { input: placed() });
    for (const verb of ['submit', 'destroy']) {
      expect(await ask(verb, 'comma.service')).toMatchObject({ status: 0 });
    }
    await script(lab, 'm2', ['systemctl start fleet']);
    const none = await fleetctl(
      '--endpoint',
      'http://127.0.0.1:1,http://127.0.0.1:2',
      'cat',
      'web',
    );
    expect([none.status, none.stderr]).toEqual([
      1,
      expect.stringContaining('no fleetd answers at http://127.0.0.1:1, http://127.0.0.1:2'),
    ]);
  });

  it('-v tells the version', async () => {
    const short = await rootOnM1('-v');
    expect(short).toMatchObject({ status: 0, stderr: '' });
    expect(short.stdout).toMatch(/^fleetctl version \d/);
    expect(await rootOnM1('--version')).toEqual(short);
  });

  it('--sign is refused in words, and nothing is stored', async () => {
    await lab.exec('m2', ['sh', '-c', `cat >${home}/signed.service`], { input: placed() });
    for (const verb of ['submit', 'load', 'start']) {
      expect(await fleetctl(verb, '--sign', 'signed.service')).toEqual({
        status: 2,
        stdout: '',
        stderr: 'fleetctl: units cannot be signed\nleave --sign out; nothing was sent\n',
      });
    }
    expect((await fleetctl('list-unit-files', '--no-legend')).stdout).not.toContain('signed');
    expect(await fleetctl('submit', '--sign=false', 'signed.service')).toMatchObject({ status: 0 });
    expect(await fleetctl('destroy', 'signed.service')).toMatchObject({ status: 0 });
  });
});
