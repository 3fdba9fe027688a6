import { describe, expect, it } from 'vitest';
import { decodeCloudConfig } from '../../../src/cloudinit/decode.ts';
import { type EtcdSection, etcdVariables } from '../../../src/cloudinit/etcd-settings.ts';

function translate(section: EtcdSection, lines: readonly string[]) {
  const text = ['#cloud-config', 'coreos:', ` ${section}:`, ...lines.map((line) => `  ${line}`)];
  const { config, problems } = decodeCloudConfig(text.join('\n'));
  expect(problems).toEqual([]);
  const translated = etcdVariables(section, config.sections[section]);
  return {
    variables: Object.fromEntries(translated.variables),
    errors: translated.problems.filter(({ severity }) => severity === 'error'),
    notes: translated.problems.filter(({ severity }) => severity === 'note'),
  };
}

describe('what etcd 0.4 was told becomes flags of today', () => {
  it.each<[string, readonly string[], string, string]>([
    ['addr', ['addr: 10.0.0.5:4001'], 'ETCD_ADVERTISE_CLIENT_URLS', 'http://10.0.0.5:4001'],
    [
      'addr, which also says where to listen, beside the port of today',
      ['addr: 10.0.0.5:4001'],
      'ETCD_LISTEN_CLIENT_URLS',
      'http://0.0.0.0:4001,http://0.0.0.0:2379',
    ],
    [
      'addr on the port of today',
      ['addr: 10.0.0.5:2379'],
      'ETCD_LISTEN_CLIENT_URLS',
      'http://0.0.0.0:2379',
    ],
    [
      'addr of IPv6',
      ['addr: "[2001:db8::1]:4001"'],
      'ETCD_LISTEN_CLIENT_URLS',
      'http://[::]:4001,http://[::]:2379',
    ],
    [
      'addr with a certificate',
      ['addr: a.example:4001', 'cert_file: /c'],
      'ETCD_ADVERTISE_CLIENT_URLS',
      'https://a.example:4001',
    ],
    [
      'bind_addr without a port',
      ['addr: 10.0.0.5:4001', 'bind_addr: 127.0.0.1'],
      'ETCD_LISTEN_CLIENT_URLS',
      'http://127.0.0.1:4001,http://127.0.0.1:2379',
    ],
    [
      'bind_addr with a port',
      ['bind_addr: 0.0.0.0:5001'],
      'ETCD_LISTEN_CLIENT_URLS',
      'http://0.0.0.0:5001,http://0.0.0.0:2379',
    ],
    ['no addr', ['name: a'], 'ETCD_ADVERTISE_CLIENT_URLS', 'http://127.0.0.1:4001'],
    [
      'no addr: nobody outside is served',
      ['name: a'],
      'ETCD_LISTEN_CLIENT_URLS',
      'http://127.0.0.1:4001,http://127.0.0.1:2379',
    ],
    [
      'peer-addr',
      ['peer-addr: 10.0.0.5:7001'],
      'ETCD_INITIAL_ADVERTISE_PEER_URLS',
      'http://10.0.0.5:7001',
    ],
    ['peer-addr', ['peer-addr: 10.0.0.5:7001'], 'ETCD_LISTEN_PEER_URLS', 'http://0.0.0.0:7001'],
    ['peer_heartbeat_interval', ['peer_heartbeat_interval: 50'], 'ETCD_HEARTBEAT_INTERVAL', '50'],
    ['ca_file', ['ca_file: /ca'], 'ETCD_TRUSTED_CA_FILE', '/ca'],
    ['peer_ca_file', ['peer_ca_file: /ca'], 'ETCD_PEER_CLIENT_CERT_AUTH', 'true'],
    ['verbose', ['verbose: true'], 'ETCD_LOG_LEVEL', 'debug'],
    ['any section of etcd 0.4', ['name: a'], 'ETCD_ENABLE_V2', 'true'],
    ['no name', ['addr: 10.0.0.5:4001'], 'ETCD_NAME', '%m'],
    [
      'keys of etcd 2 beside the old ones, which win',
      ['addr: 10.0.0.5:4001', 'advertise_client_urls: http://x:1'],
      'ETCD_ADVERTISE_CLIENT_URLS',
      'http://x:1',
    ],
  ])('%s', (_title, lines, name, value) => {
    const { variables, errors } = translate('etcd', lines);
    expect(errors).toEqual([]);
    expect(variables[name]).toBe(value);
  });

  it('and says each thing that it changes, where it stands', () => {
    const { notes } = translate('etcd', ['name: a', 'addr: 10.0.0.5:4001', 'snapshot: true']);
    const said = notes.map(({ line, message }) => `${line} ${message}`);
    expect(said).toContainEqual(expect.stringMatching(/^5 .*addr becomes ETCD_ADVERTISE_CLIENT/));
    expect(said).toContainEqual(expect.stringMatching(/^6 .*snapshot is left out/));
    expect(said).toContainEqual(expect.stringMatching(/ETCD_ENABLE_V2=true/));
    expect(said).not.toContainEqual(expect.stringMatching(/ETCD_NAME/));
  });

  it.each([
    ['peers: 10.0.0.6:7001', /peers cannot be kept: .*discovery/],
    ['bind_addr: a.example', /bind_addr: etcd listens on addresses only/],
  ])('but refuses what cannot be said any more: %s', (line, words) => {
    const { errors } = translate('etcd', [line]);
    expect(errors.map(({ message }) => message)).toEqual([expect.stringMatching(words)]);
    expect(errors[0]?.line).toBe(4);
  });
});

describe('what etcd 2 and 3 were told', () => {
  it('is served on the port of etcd 0.4 too where etcd 2 did so by itself', () => {
    const both = 'http://localhost:2379,http://localhost:4001';
    expect(translate('etcd2', ['name: a']).variables).toEqual({
      ...{ ETCD_NAME: 'a', ETCD_ENABLE_V2: 'true' },
      ...{ ETCD_LISTEN_CLIENT_URLS: both, ETCD_ADVERTISE_CLIENT_URLS: both },
    });
    const told = ['name: a', 'listen_client_urls: http://0.0.0.0:2379'];
    expect(translate('etcd2', told).variables['ETCD_LISTEN_CLIENT_URLS']).toBe(
      'http://0.0.0.0:2379',
    );
  });

  it('is passed on as it is for etcd 3, without the v2 API', () => {
    const { variables, notes } = translate('etcd3', ['name: a', 'pre-vote: true']);
    expect([variables, notes]).toEqual([{ ETCD_NAME: 'a', ETCD_PRE_VOTE: 'true' }, []]);
  });

  it('is nothing where there is no section', () => {
    expect(etcdVariables('etcd', [])).toEqual({ variables: [], problems: [] });
  });
});
