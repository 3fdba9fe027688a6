import { describe, expect, it } from 'vitest';
import { readConfig } from '../../../src/daemon/config.ts';
import { settingDefaults, wedgeMsOf } from '../../../src/daemon/settings.ts';

function read(fileText: string | null, environment: Record<string, string> = {}) {
  return readConfig({ fileName: 'fleet.conf', fileText, environment });
}

function settingsOf(fileText: string, environment: Record<string, string> = {}) {
  const config = read(fileText, environment);
  if (!config.ok) throw new Error(config.error.join('\n'));
  return config.value.settings;
}

function errorsOf(fileText: string, environment: Record<string, string> = {}): readonly string[] {
  const config = read(fileText, environment);
  return config.ok ? [] : config.error;
}

describe('fleet.conf', () => {
  it('may be missing: every setting has a default', () => {
    expect(read(null)).toEqual({ ok: true, value: { settings: settingDefaults, warnings: [] } });
  });

  it.each([
    ['etcd_servers=["http://a:2379", "http://b:2379"]'],
    ['etcd_servers=http://a:2379,http://b:2379'],
    ['etcd_servers="http://a:2379,http://b:2379"'],
    ["etcd_servers=['http://a:2379/','http://b:2379']"],
  ])('reads a list of servers from %s', (line) => {
    expect(settingsOf(line).etcdServers).toEqual(['http://a:2379', 'http://b:2379']);
  });

  it.each([
    ['30s', 30_000],
    ['30', 30_000],
    ['2500ms', 2_500],
    ['1m30s', 90_000],
    ['"3s"', 3_000],
  ])('reads a time written %s', (text, ms) => {
    expect(settingsOf(`agent_ttl=${text}`).agentTtlMs).toBe(ms);
  });

  it('reads metadata with or without quotes, the last value of a key winning', () => {
    const settings = settingsOf('metadata="region=us-west,disk=hdd,disk=ssd"');
    expect([...settings.metadata]).toEqual([
      ['region', 'us-west'],
      ['disk', 'ssd'],
    ]);
  });

  it('is overridden by the environment', () => {
    const settings = settingsOf('agent_ttl=30s', { FLEET_AGENT_TTL: '5s', HOME: '/' });
    expect(settings.agentTtlMs).toBe(5_000);
  });

  it('ends every key prefix with a slash', () => {
    expect(settingsOf('etcd_key_prefix=/mine').etcdKeyPrefix).toBe('/mine/');
  });

  it('reads listen addresses of both kinds', () => {
    const text = 'api_listen=unix:///run/x.sock,tcp://127.0.0.1:49153,tcp://[::1]:49154';
    expect(settingsOf(text).apiListen).toEqual([
      { kind: 'unix', path: '/run/x.sock' },
      { kind: 'tcp', host: '127.0.0.1', port: 49_153 },
      { kind: 'tcp', host: '::1', port: 49_154 },
    ]);
  });

  it('names each mistake with its line, all at once', () => {
    const text = [
      '# a comment',
      'agent_ttl=soon',
      'etcd_servers=a:2379',
      'token_limit=0',
      'metadata=region',
    ].join('\n');
    expect(errorsOf(text, { FLEET_DISABLE_ENGINE: 'maybe' })).toEqual([
      'fleet.conf:2: agent_ttl must be a time such as 10s, 500ms or 1m30s',
      "fleet.conf:3: etcd_servers 'a:2379' is not a URL such as http://127.0.0.1:2379",
      'fleet.conf:4: token_limit must be a whole number from 1 to 1000',
      "fleet.conf:5: metadata 'region' is not key=value",
      'FLEET_DISABLE_ENGINE: disable_engine must be true or false',
    ]);
  });

  it('takes an address or a host name as public_ip, and no mistyped address', () => {
    for (const good of ['10.0.0.5', 'fd00::5', 'm1.example', 'm1']) {
      expect(settingsOf(`public_ip=${good}`).publicIp).toBe(good);
    }
    for (const bad of ['999.1.1.1', '10.0.0', '10.0.0.5 # mine', 'http://m1', '10.0.0.5:49153']) {
      expect(errorsOf(`public_ip="${bad}"`)).toEqual([
        'fleet.conf:1: public_ip must be an address such as 10.0.0.5, or a host name',
      ]);
    }
  });

  it('refuses a lease shorter than etcd grants', () => {
    expect(errorsOf('agent_ttl=1s')).toEqual([
      'fleet.conf:1: agent_ttl must be from 2000 ms to 1 h',
    ]);
  });

  it('believes a stuck daemon for five TTLs at least, a minute unless told otherwise', () => {
    expect(wedgeMsOf(settingsOf(''))).toBe(60_000);
    expect(wedgeMsOf(settingsOf('agent_ttl=15s'))).toBe(75_000);
    expect(wedgeMsOf(settingsOf('agent_ttl=3s\nwedge_seconds=15'))).toBe(15_000);
    expect(errorsOf('agent_ttl=3s\nwedge_seconds=14')).toEqual([
      'wedge_seconds must be at least 5 times agent_ttl: 15',
    ]);
  });

  it('refuses to give the cluster away on an open port unless told so', () => {
    const open = 'api_listen=tcp://0.0.0.0:49153';
    expect(errorsOf(open)).toHaveLength(1);
    expect(errorsOf(open)[0]).toContain('insecure_tcp=true');
    expect(errorsOf(`${open}\ninsecure_tcp=true`)).toEqual([]);
    expect(errorsOf('api_listen=tcp://127.0.0.1:49153')).toEqual([]);
  });

  it('refuses half a pair', () => {
    expect(errorsOf('etcd_certfile=/a')).toEqual([
      'etcd_certfile and etcd_keyfile must be set together',
    ]);
  });

  it('warns by name about what it does not know and what has no effect', () => {
    const config = read('enable_grpc=true\nagent_tll=3s\n[section]\nx=1');
    expect(config.ok && config.value.warnings).toEqual([
      'fleet.conf:1: enable_grpc has no effect: there is one protocol between agents and leader',
      'fleet.conf:2: unknown option agent_tll ignored',
      'fleet.conf:3: unknown option [section] ignored',
    ]);
  });

  it('takes systemd_user=true where there is a user, with a folder that the user has', () => {
    const environment = { XDG_RUNTIME_DIR: '/run/user/7' };
    expect(settingsOf('systemd_user=true', environment)).toMatchObject({
      systemdUser: true,
      unitsDirectory: '/run/user/7/fleet/units',
    });
    const set = 'systemd_user=true\nunits_directory=/home/u/units';
    expect(settingsOf(set, environment).unitsDirectory).toBe('/home/u/units');
    expect(settingsOf('systemd_user=false', environment)).toEqual(settingDefaults);
    expect(errorsOf('systemd_user=true')).toEqual([
      'systemd_user=true wants XDG_RUNTIME_DIR: run fleetd as a service of systemd --user',
    ]);
  });
});

describe('what belongs together', () => {
  it('refuses etcd servers of both kinds', () => {
    expect(errorsOf('etcd_servers=http://a:2379,https://b:2379')).toEqual([
      'etcd_servers must be all http:// or all https://',
    ]);
  });

  it('warns of certificates that are never used', () => {
    const config = read('etcd_servers=http://a:2379\netcd_cafile=/ca.pem\n');
    expect(config).toMatchObject({
      value: { warnings: [expect.stringContaining('etcd_servers is http://')] },
    });
    expect(read('etcd_servers=https://a:2379\netcd_cafile=/ca.pem\n')).toMatchObject({
      value: { warnings: [] },
    });
  });

  it.each(['10.0.0.1:80/x', 'two words', '10.0.0.1,10.0.0.2'])(
    'refuses %s as public_ip',
    (text) => {
      expect(errorsOf(`public_ip=${text}`)).toEqual([expect.stringContaining('public_ip must be')]);
    },
  );
});

describe('brake_seconds', () => {
  it('is a whole number of seconds, 0 turns the brake off', () => {
    expect(settingsOf('').brakeMs).toBe(60_000);
    expect(settingsOf('brake_seconds=0').brakeMs).toBe(0);
    expect(settingsOf('brake_seconds=90').brakeMs).toBe(90_000);
    expect(errorsOf('brake_seconds=soon')).toEqual([
      'fleet.conf:1: brake_seconds must be a whole number from 0 to 3600',
    ]);
  });
});
