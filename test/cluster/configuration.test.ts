// Every option of fleet.conf that the other tests leave at its default, on machines whose etcd wants
// certificates and passwords: m1 has them in a file, m2 in the environment.
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import type { UnitPageBody } from '../../src/api/schema.ts';
import { ports } from '../../src/lab/names.ts';
import { makeAuthority } from '../contract/certificates.ts';
import { patience, placed, sleeper, withFleet } from './with-fleet.ts';

const fleet = withFleet({ machineCount: 2 });

const machines = ['m1', 'm2'] as const;
type Name = (typeof machines)[number];
const tls = '/etc/test-tls';
const etcdPort = 3379;
const password = 'p,a=s"s %x';
const prefix = '/tests/strict';
const withoutEffect = [
  'engine_reconcile_interval',
  'disable_watches',
  'verify_units',
  'authorized_keys_file',
  'enable_grpc',
];
const address = { m1: '', m2: '' };

/** Writes a file of a machine; its folder is there or is made. */
async function write(machine: Name, path: string, text: string): Promise<void> {
  const line = 'mkdir -p "$(dirname "$0")"; cat >"$0"';
  const ran = await fleet.lab.exec(machine, ['sh', '-ec', line, path], { input: text });
  expect(ran).toMatchObject({ status: 0 });
}

/** Runs etcdctl on m1, towards the etcd with certificates, as its administrator. */
function etcdctl(...words: readonly string[]): Promise<string> {
  const flags = [
    `--endpoints=https://127.0.0.1:${etcdPort} --cacert=${tls}/ca.pem`,
    `--cert=${tls}/m1.pem --key=${tls}/m1.key`,
  ];
  const quoted = words.map((word) => `'${word}'`).join(' ');
  return fleet.script('m1', `ETCDCTL_API=3 etcdctl ${flags.join(' ')} ${quoted}`);
}

/** What fleetd of a machine has written to its journal, its warnings before the log included. */
function journal(machine: Name): Promise<string> {
  return fleet.script(machine, 'journalctl -q -u fleet -o cat --no-pager');
}

async function get(machine: Name, path: string): Promise<Response> {
  return fetch(`http://${address[machine]}:${ports.fleetd}${path}`);
}

/** The value of a metric without labels. */
async function metric(machine: Name, name: string): Promise<number> {
  const text = await (await get(machine, '/metrics')).text();
  return Number(new RegExp(`^${name} (.*)$`, 'm').exec(text)?.[1] ?? Number.NaN);
}

/** Starts fleetd of m2 with these variables in place of those it has; null takes one away. */
let ofM2: Record<string, string> = {};
async function restartM2(change: Readonly<Record<string, string | null>> = {}): Promise<string> {
  const variables = Object.entries({ ...ofM2, ...change }).filter(([, value]) => value !== null);
  const lines = variables.map(([name, value]) => `FLEET_${name.toUpperCase()}='${value}'\n`);
  await write('m2', '/etc/fleet/test.env', lines.join(''));
  const from = await fleet.script('m2', 'date +%s.%N');
  await fleet.script('m2', 'systemctl restart fleet || true');
  return from.trim();
}

/** The machines that both daemons list, with what else a table shows of them. */
async function bothList(): Promise<readonly string[]> {
  const list = ['list-machines', '--no-legend', '--fields', 'ip,metadata'];
  const asked = machines.map((via) => fleet.fleetctl(list, { via }));
  const tables = await Promise.all(asked);
  expect(new Set(tables.map(({ stdout }) => stdout)).size).toBe(1);
  return (tables[0]?.stdout ?? '').replace(/\t+/g, ' ').trim().split('\n').sort();
}

beforeAll(async () => {
  for (const name of machines) address[name] = (await fleet.lab.machine(name)).address;
  const authority = await makeAuthority();
  for (const name of machines) {
    const { cert, key } = await authority.issue(name, address[name]);
    const files = { 'ca.pem': authority.ca, [`${name}.pem`]: cert, [`${name}.key`]: key };
    for (const [file, path] of Object.entries(files)) {
      await write(name, `${tls}/${file}`, readFileSync(path, 'utf8'));
    }
    await fleet.script(name, 'systemctl stop fleet; rm -rf /var/lib/fleet/* /run/fleet/*');
  }
  await authority.remove();
  await startStrictEtcd();
  const etcds = [`https://${address.m1}:${etcdPort}`, `https://127.0.0.1:${etcdPort}`];
  await configureM1(etcds);
  await configureM2(etcds);
  await fleet.script('m1', 'systemctl daemon-reload; systemctl start fleet');
  await fleet.script('m2', 'systemctl daemon-reload');
  await restartM2();
});

async function startStrictEtcd(): Promise<void> {
  const flags = [
    `--data-dir=/var/tmp/strict-etcd --listen-client-urls=https://0.0.0.0:${etcdPort}`,
    `--advertise-client-urls=https://${address.m1}:${etcdPort} --client-cert-auth`,
    `--cert-file=${tls}/m1.pem --key-file=${tls}/m1.key --trusted-ca-file=${tls}/ca.pem`,
    '--listen-peer-urls=http://127.0.0.1:3380 --initial-cluster=default=http://127.0.0.1:3380',
    '--initial-advertise-peer-urls=http://127.0.0.1:3380',
  ];
  const run = 'systemd-run --quiet --unit=strict-etcd --property=Type=notify /usr/bin/etcd';
  await fleet.script('m1', `${run} ${flags.join(' ')}`);
  await etcdctl('user', 'add', 'root:root');
  await etcdctl('user', 'add', `fleet:${password}`);
  await etcdctl('role', 'add', 'fleet');
  const grant = ['role', 'grant-permission', '--prefix=true', 'fleet', 'readwrite'];
  await etcdctl(...grant, `${prefix}/`);
  await etcdctl('user', 'grant-role', 'fleet', 'fleet');
  await etcdctl('user', 'grant-role', 'root', 'root');
  await etcdctl('auth', 'enable');
}

/** All in a file of another name, which `-config` names, as in fleet 1.0. */
async function configureM1(etcds: readonly string[]): Promise<void> {
  const lines = [
    `etcd_servers=${JSON.stringify(etcds)}`,
    `etcd_cafile="${tls}/ca.pem"`,
    `etcd_certfile=${tls}/m1.pem`,
    `etcd_keyfile=${tls}/m1.key`,
    'etcd_username="fleet"',
    `etcd_password='${password}'`,
    `etcd_key_prefix=${prefix}`,
    'etcd_request_timeout=0.3',
    `public_ip=${address.m1}`,
    'metadata="region=us-west,disk=hdd,disk=ssd"',
    'agent_ttl=3',
    'units_directory=/run/fleet/elsewhere/',
    'token_limit=2',
    'verbosity=1',
    `api_listen=tcp://${address.m1}:${ports.fleetd},unix:///run/other.sock`,
    'insecure_tcp=true',
    'colour=blue',
    ...withoutEffect.map((name) => `${name}=1`),
    'systemd_user=false',
  ];
  await write('m1', '/etc/fleet/other.conf', `${lines.join('\n')}\n`);
  const start = 'ExecStart=\nExecStart=/usr/bin/fleetd -config /etc/fleet/other.conf\n';
  await write('m1', '/etc/systemd/system/fleet.service.d/test.conf', `[Service]\n${start}`);
}

/** All in the environment, over a file that says something else everywhere. */
async function configureM2(etcds: readonly string[]): Promise<void> {
  ofM2 = {
    etcd_servers: `${etcds[0]},${etcds[0]}/`,
    etcd_cafile: `${tls}/ca.pem`,
    etcd_certfile: `${tls}/m2.pem`,
    etcd_keyfile: `${tls}/m2.key`,
    etcd_username: 'fleet',
    etcd_password: password,
    etcd_key_prefix: `${prefix}/`,
    etcd_request_timeout: '700ms',
    public_ip: address.m2,
    metadata: 'region=eu',
    agent_ttl: '4s',
    units_directory: '/run/fleet/there',
    token_limit: '3',
    verbosity: '0',
    disable_engine: 'true',
    api_listen: `tcp://${address.m2}:${ports.fleetd}`,
    insecure_tcp: 'yes',
    no_such_option: '1',
  };
  const wrong = [
    'etcd_servers=http://127.0.0.1:1',
    'etcd_key_prefix=/wrong',
    'metadata=region=wrong',
    'agent_ttl=60s',
    'units_directory=/run/wrong',
    'token_limit=1',
    'api_listen=tcp://127.0.0.1:1',
  ];
  await write('m2', '/etc/fleet/fleet.conf', `${wrong.join('\n')}\n`);
  const start = 'ExecStart=\nExecStart=/usr/bin/fleetd --config=/etc/fleet/fleet.conf\n';
  const environment = `[Service]\nEnvironmentFile=/etc/fleet/test.env\n${start}`;
  await write('m2', '/etc/systemd/system/fleet.service.d/test.conf', environment);
}

const joined = (): readonly string[] =>
  [`${address.m1} disk=ssd,region=us-west`, `${address.m2} region=eu`].sort();

describe('machines whose etcd wants certificates, a user and a prefix', () => {
  it('join, with what --config or the environment says, whatever fleet.conf says', async () => {
    await expect.poll(bothList, patience).toEqual(joined());
    const ttl = 'fleet_lease_ttl_seconds';
    expect([await metric('m1', ttl), await metric('m2', ttl)]).toEqual([3, 4]);
    expect(await metric('m1', 'fleet_engine_is_leader')).toBe(1);
    const unix = 'curl -sS -o /dev/null -w %{http_code} --unix-socket /run/other.sock';
    expect(await fleet.script('m1', `${unix} http://fleet/fleet/v1/machines`)).toBe('200');
  });

  it('run units, whose files lie where units_directory says', async () => {
    for (const [name, region, folder] of [
      ['m1', 'us-west', '/run/fleet/elsewhere'],
      ['m2', 'eu', '/run/fleet/there'],
    ] as const) {
      const file = fleet.file(`in-${name}.service`, placed(`MachineMetadata=region=${region}`));
      const started = await fleet.fleetctl(['start', '--wait', file], { via: 'm2' });
      expect(started).toMatchObject({ status: 0, stderr: '' });
      expect(await fleet.script(name, `ls ${folder}`)).toBe(`in-${name}.service\n`);
      const where = `systemctl is-active in-${name}; readlink -f /run/systemd/system/in-${name}.service`;
      expect(await fleet.script(name, where)).toBe(`active\n${folder}/in-${name}.service\n`);
      expect(await fleet.script(name, 'ls -d /run/fleet/units /run/wrong 2>&1 || true')).toMatch(
        /^(ls: .*No such file or directory\n){2}$/,
      );
    }
  });

  it('write under etcd_key_prefix and nowhere else', async () => {
    const keys = await etcdctl('--user=root:root', 'get', '--prefix', '--keys-only', '/');
    const names = keys.split('\n').filter(Boolean);
    expect(names).toContain(`${prefix}/units/in-m1.service`);
    expect(names.filter((name) => !name.startsWith(`${prefix}/`))).toEqual([]);
  });

  it('name in the journal what is unknown, and why an option is without effect', async () => {
    const said = await journal('m1');
    for (const name of withoutEffect) {
      expect(said).toMatch(
        new RegExp(`^fleetd: /etc/fleet/other\\.conf:\\d+: ${name} has no effect: \\w`, 'm'),
      );
    }
    expect(said).toMatch(/^fleetd: .*other\.conf:17: unknown option colour ignored$/m);
    expect(said).not.toContain('systemd_user'); // off is nothing to be told
    expect(await journal('m2')).toMatch(/^fleetd: FLEET_NO_SUCH_OPTION: unknown option no_such/m);
  });

  it('answer pages of token_limit items, also after a reload', async () => {
    for (const name of ['a', 'b', 'c', 'd']) {
      const file = fleet.file(`page-${name}.service`, sleeper());
      await fleet.fleetctl(['submit', file], { via: 'm1' });
    }
    const count = async (machine: Name): Promise<number> => {
      const page = (await (await get(machine, '/fleet/v1/units')).json()) as UnitPageBody;
      expect(page.nextPageToken).toEqual(expect.any(String));
      return page.units.length;
    };
    expect([await count('m1'), await count('m2')]).toEqual([2, 3]);
    await fleet.script('m1', 'sed -i s/^token_limit=.*/token_limit=5/ /etc/fleet/other.conf');
    await fleet.script('m1', 'systemctl reload fleet');
    await expect.poll(() => count('m1'), patience).toBe(5);
  });

  it('log details with verbosity=1, and none of them after a reload with 0', async () => {
    const textCount = async (): Promise<number> => {
      const flags = ['--user=root:root', '--prefix', '--keys-only'];
      return (await etcdctl('get', ...flags, `${prefix}/text/`)).split('\n').filter(Boolean).length;
    };
    const saidCount = async (words: string): Promise<number> =>
      (await journal('m1')).split(words).length - 1;
    const reload = async (verbosity: number): Promise<void> => {
      const count = await saidCount('"changed":["verbosity"]');
      await fleet.script(
        'm1',
        `sed -i s/^verbosity=.*/verbosity=${verbosity}/ /etc/fleet/other.conf
         systemctl reload fleet`,
      );
      await expect.poll(() => saidCount('"changed":["verbosity"]'), patience).toBe(count + 1);
    };
    /** A detail that is logged: the text of a unit goes with the last unit that had it. */
    const forget = async (unit: string): Promise<void> => {
      const file = fleet.file(unit, sleeper(`Environment=UNIT=${unit}`));
      await fleet.fleetctl(['submit', file], { via: 'm1' });
      const count = await textCount();
      await fleet.fleetctl(['destroy', unit], { via: 'm1' });
      await expect.poll(textCount, patience).toBe(count - 1);
    };
    await forget('loud.service');
    await expect.poll(() => saidCount('forgot texts'), patience).toBe(1);
    await reload(0);
    await forget('quiet.service');
    await reload(1); // what came before is in the journal by now
    expect(await saidCount('forgot texts')).toBe(1);
  });
});

describe('etcd_request_timeout', () => {
  it('is how long a request waits for an etcd that is frozen', async () => {
    await fleet.script('m1', 'systemctl kill -s STOP strict-etcd');
    try {
      // What gRPC counts is a little less or more; without the option it would be a second.
      for (const [name, least, most] of [
        ['m1', 0.25, 0.5],
        ['m2', 0.6, 0.95],
      ] as const) {
        const answer = await get(name, '/fleet/v1/units/in-m1.service');
        const said = await answer.text();
        expect([answer.status, said]).toEqual([503, expect.stringContaining('nothing came for')]);
        const seconds = Number(/nothing came for ([\d.]+) s/.exec(said)?.[1]);
        expect(seconds).toBeGreaterThan(least);
        expect(seconds).toBeLessThan(most);
      }
    } finally {
      await fleet.script('m1', 'systemctl kill -s CONT strict-etcd');
    }
    await expect.poll(bothList, patience).toEqual(joined());
  });
});

describe('a daemon that etcd does not let in', () => {
  const show = 'systemctl show -P InvocationID -P ActiveState in-m2';
  it.each([
    ['the password is wrong', { etcd_password: 'guess' }, 'etcd_username, etcd_password and the'],
    ['there is no certificate', { etcd_certfile: null, etcd_keyfile: null }, 'waiting for'],
    [
      'the prefix is not its own',
      { etcd_key_prefix: '/others' },
      'rights of that user on etcd_key',
    ],
  ])('says so while it waits, when %s, and touches no unit', async (_why, change, words) => {
    const before = await fleet.script('m2', show);
    expect(before).toContain('active');
    const from = await restartM2(change);
    const since = () => fleet.script('m2', `journalctl -q -u fleet -o cat --since @${from}`);
    await expect.poll(since, patience).toContain('waiting for the store');
    expect(await since()).toContain(words);
    expect(await fleet.script('m2', 'systemctl is-active fleet')).toBe('active\n');
    await restartM2();
    await expect.poll(bothList, patience).toEqual(joined());
    expect(await fleet.script('m2', show)).toBe(before);
  });

  it('ends with all contradictions at once', async () => {
    const from = await restartM2({
      ...{ etcd_keyfile: null, etcd_password: null, insecure_tcp: null },
      ...{ etcd_servers: 'http://127.0.0.1:1,https://127.0.0.1:2', agent_ttl: '1s' },
    });
    const said = await fleet.script('m2', `journalctl -q -u fleet -o cat --since @${from}`);
    for (const words of [
      'FLEET_AGENT_TTL: agent_ttl must be from 2000 ms',
      'etcd_certfile and etcd_keyfile must be set together',
      'etcd_username and etcd_password must be set together',
      'etcd_servers must be all http:// or all https://',
      'would give root on every machine to whoever reaches it',
    ]) {
      expect(said).toContain(`fleetd: ${words}`.replace('fleetd: would', 'would'));
    }
    expect(await fleet.script('m2', 'systemctl show -P ExecMainStatus fleet')).toBe('78\n');
    expect(await fleet.script('m2', 'systemctl is-active in-m2')).toBe('active\n');
  });
});

describe('public_ip that is not set', () => {
  it('is the address on the way of the default route', async () => {
    // First by name: who does not ask the routing table takes this one.
    const first = 'ip link add aaa0 type veth peer name aaa1; ip link set aaa0 up';
    await fleet.script('m2', `${first}; ip addr add 192.0.2.7/32 dev aaa0`);
    await fleet.script('m2', `ip route add default via ${address.m1} dev eth0 metric 50`);
    await fleet.script('m2', 'ip route add default dev aaa0 metric 90');
    await restartM2({ public_ip: null, metadata: 'by=route' });
    await expect.poll(bothList, patience).toContain(`${address.m2} by=route`);
  });
});
