import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseDurationMs } from '../../../src/fleetctl/duration.ts';
import { endpointText, parseEndpoint } from '../../../src/fleetctl/endpoint.ts';
import { globalFlags, readGlobalFlags } from '../../../src/fleetctl/global-flags.ts';
import { plainSwitches } from '../../../src/fleetctl/switches.ts';
import { readWaitFlags } from '../../../src/fleetctl/wait-flags.ts';
import { flotillaVersion } from '../../../src/lib/version.ts';
import { noSshSettings } from '../../builders/fleetctl-session.ts';

describe('a duration', () => {
  it.each([
    ['3', 3000],
    ['3.0', 3000],
    ['0.5', 500],
    ['90s', 90_000],
    ['1m30s', 90_000],
    ['500ms', 500],
    ['1.5h', 5_400_000],
  ])('%s is %i ms', (text, ms) => expect(parseDurationMs(text)).toBe(ms));

  it.each(['', '0', '0s', '-1', '1d', 's', '1 s', 'soon', '1e3'])('"%s" is none', (text) =>
    expect(parseDurationMs(text)).toBeNull(),
  );
});

describe('an endpoint', () => {
  it.each([
    ['unix:///var/run/fleet.sock', 'unix:///var/run/fleet.sock'],
    ['file:///var/run/fleet.sock', 'unix:///var/run/fleet.sock'],
    ['http://10.0.0.1:49153', 'http://10.0.0.1:49153'],
    ['http://host/', 'http://host:80'],
    ['http://[fd00::1]:49153', 'http://[fd00::1]:49153'],
  ])('%s is %s', (text, said) => {
    const endpoint = parseEndpoint(text);
    expect(endpoint.ok && endpointText(endpoint.value)).toBe(said);
  });

  it.each([
    '',
    'host',
    'host:49153',
    '/var/run/fleet.sock',
    'unix://x',
    'file://x',
    'http://',
    'http://h/path',
  ])('"%s" is none', (text) => expect(parseEndpoint(text).ok).toBe(false));
});

describe('global flags', () => {
  it('have defaults', () => {
    expect(readGlobalFlags({}, {})).toEqual({
      endpoint: { kind: 'unix', path: '/var/run/fleet.sock' },
      otherEndpoints: [],
      requestTimeoutMs: 3000,
      isDebug: false,
      ssh: noSshSettings,
      tls: {},
      warnings: [],
    });
  });

  it('come from the environment, and a flag wins over it', () => {
    const environment = {
      FLEETCTL_ENDPOINT: 'http://a:1',
      FLEETCTL_REQUEST_TIMEOUT: '5',
      FLEETCTL_DEBUG: 'true',
    };
    expect(readGlobalFlags({}, environment)).toMatchObject({
      endpoint: { host: 'a' },
      requestTimeoutMs: 5000,
      isDebug: true,
    });
    const flags = { endpoint: 'http://b:1', requestTimeout: '2.5' };
    expect(readGlobalFlags(flags, environment)).toMatchObject({
      endpoint: { host: 'b' },
      requestTimeoutMs: 2500,
    });
  });

  it('take an empty variable for none, and false for false', () => {
    expect(readGlobalFlags({}, { FLEETCTL_ENDPOINT: '', FLEETCTL_DEBUG: 'false' })).toMatchObject({
      endpoint: { kind: 'unix' },
      isDebug: false,
    });
  });

  it('each have a variable of their name', () => {
    for (const { usage, variable, key } of globalFlags) {
      const name = /^--([a-z-]+)/.exec(usage)?.[1] ?? '';
      expect(variable).toBe(`FLEETCTL_${name.replaceAll('-', '_').toUpperCase()}`);
      expect(key).toBe(name.replace(/-([a-z])/g, (_all, letter: string) => letter.toUpperCase()));
    }
  });

  it('about SSH are read from the environment as well', () => {
    const environment = {
      FLEETCTL_TUNNEL: 'bastion:2222',
      FLEETCTL_SSH_USERNAME: 'ann',
      FLEETCTL_SSH_TIMEOUT: '2.5',
      FLEETCTL_STRICT_HOST_KEY_CHECKING: 'false',
      FLEETCTL_KNOWN_HOSTS_FILE: '~/keys',
      HOME: '/home/ann',
    };
    expect(readGlobalFlags({}, environment).ssh).toEqual({
      tunnel: { user: null, host: 'bastion', port: 2222 },
      username: 'ann',
      timeoutMs: 2500,
      hostKeyChecking: 'no',
      knownHostsFile: '/home/ann/keys',
    });
  });

  it('that have lost their effect say so, and that of the driver is taken in capitals too', () => {
    const { warnings } = readGlobalFlags({ etcdKeyPrefix: '/x', driver: 'API' }, {});
    expect(warnings).toEqual([expect.stringContaining('--etcd-key-prefix has no effect')]);
    expect(() => readGlobalFlags({ driver: 'etcd' }, {})).toThrow('etcd driver');
  });

  it('about TLS have old names, with a warning; what was typed wins over a variable', () => {
    const folder = mkdtempSync(join(tmpdir(), 'flotilla-flags-'));
    const pem = (name: string): string => {
      const path = join(folder, name);
      writeFileSync(path, `-----BEGIN CERTIFICATE-----\n${name}\n`);
      return path;
    };
    const endpoint = 'https://a:1';
    const typed = {
      endpoint,
      etcdCafile: pem('typed'),
      certFile: pem('cert'),
      etcdKeyfile: pem('key'),
    };
    const flags = readGlobalFlags(typed, {
      FLEETCTL_CA_FILE: pem('inherited'),
      FLEETCTL_ETCD_CERTFILE: pem('old'),
    });
    rmSync(folder, { recursive: true });
    expect(flags.tls.ca).toContain('typed');
    expect(flags.tls.cert).toContain('cert');
    expect(flags.tls.key).toContain('key');
    expect(flags.warnings).toEqual([
      '--etcd-cafile is deprecated: it is called --ca-file',
      'FLEETCTL_ETCD_CERTFILE is deprecated: it is called FLEETCTL_CERT_FILE',
      '--etcd-keyfile is deprecated: it is called --key-file',
    ]);
  });

  it('name the variable that is wrong', () => {
    expect(() => readGlobalFlags({}, { FLEETCTL_DEBUG: 'perhaps' })).toThrow('FLEETCTL_DEBUG');
  });
});

describe('the bounded wait', () => {
  it('is a minute unless something is said', () => {
    expect(readWaitFlags({})).toEqual({ isWaiting: true, limitMs: 60_000 });
    expect(readWaitFlags({ block: false }).isWaiting).toBe(false);
  });

  it('is as long as --timeout says, or N half seconds, or the shorter of both', () => {
    expect(readWaitFlags({ timeout: '5m' }).limitMs).toBe(300_000);
    expect(readWaitFlags({ blockAttempts: '4' }).limitMs).toBe(2000);
    expect(readWaitFlags({ blockAttempts: '4', timeout: '1s' }).limitMs).toBe(1000);
    expect(readWaitFlags({ blockAttempts: '4', timeout: '1m' }).limitMs).toBe(2000);
    expect(readWaitFlags({ blockAttempts: '0' }).limitMs).toBe(60_000);
    expect(readWaitFlags({ blockAttempts: '1000' }).limitMs).toBe(500_000);
  });
});

describe('a switch', () => {
  it('may have a value, as in fleet 1.0', () => {
    const args = ['--debug=1', 'list-units', '--full=true', '--no-legend=false', '--fields=unit'];
    expect(plainSwitches(args)).toEqual(['--debug', 'list-units', '--full', '--fields=unit']);
  });

  it('may be short after two dashes, as in fleet 1.0', () => {
    expect(plainSwitches(['--l', '--f=true', '--A=false', '--h'])).toEqual([
      '--full',
      '--follow',
      '--help',
    ]);
    expect(plainSwitches(['--x', '--l=perhaps', '--', '--l'])).toEqual([
      '--x',
      '--l=perhaps',
      '--',
      '--l',
    ]);
  });

  it('with another value, or after --, is left for others to judge', () => {
    const args = ['--full=perhaps', '--', '--full=true'];
    expect(plainSwitches(args)).toEqual(args);
  });
});

describe('a switch with words', () => {
  it('means true without one, wherever it stands', () => {
    const args = ['--strict-host-key-checking', 'list-units', '--strict-host-key-checking=no'];
    expect(plainSwitches(args)).toEqual([
      '--strict-host-key-checking=true',
      'list-units',
      '--strict-host-key-checking=no',
    ]);
  });
});

describe('the version', () => {
  it('is that of package.json', () => {
    const read: unknown = JSON.parse(readFileSync('package.json', 'utf8'));
    expect(read).toMatchObject({ version: flotillaVersion });
  });
});
