import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { aSession, type Outcome, runCommand, type Session } from '../builders/fleetctl-session.ts';

const folder = mkdtempSync(join(tmpdir(), 'flotilla-tls-'));
const file = (name: string): string => join(folder, name);

function openssl(...args: string[]): void {
  execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
}

/** A certificate of `name`, by the authority; `names` as in subjectAltName. */
function certify(name: string, names: string): void {
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  openssl('req', ...key, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`);
  writeFileSync(file(`${name}.ext`), `subjectAltName=${names}\n`);
  const ca = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2'];
  openssl(
    'x509',
    '-req',
    '-in',
    `${name}.csr`,
    ...ca,
    '-extfile',
    `${name}.ext`,
    '-out',
    `${name}.pem`,
  );
}

function authority(name: string): void {
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  const out = [
    '-keyout',
    `${name}.key`,
    '-out',
    `${name}.pem`,
    '-days',
    '2',
    '-subj',
    `/CN=${name}`,
  ];
  openssl('req', '-x509', ...key, ...out);
}

let session: Session;
let server: Server;
let port = 0;

beforeAll(async () => {
  authority('ca');
  authority('stranger');
  certify('server', 'IP:127.0.0.1');
  certify('client', 'DNS:client');
  session = await aSession({ machineCount: 1 });
  const [cert, key, ca] = ['server.pem', 'server.key', 'ca.pem'].map((name) =>
    readFileSync(file(name)),
  );
  const options = { cert, key, ca, requestCert: true, rejectUnauthorized: true };
  server = createServer(options, session.server.api.requestListener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  port = typeof address === 'object' && address !== null ? address.port : 0;
});

afterAll(async () => {
  server.closeAllConnections();
  await new Promise<void>((resolve) => server.close(() => resolve()));
  await session[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

const ca = ['--ca-file', file('ca.pem')];
const client = ['--cert-file', file('client.pem'), '--key-file', file('client.key')];

function list(host: string, ...args: string[]): Promise<Outcome> {
  const endpoint = ['--endpoint', `https://${host}:${port}`];
  return runCommand([...endpoint, ...args, 'list-machines', '--no-legend', '--fields', 'ip']);
}

describe('an https endpoint that wants to know its clients', () => {
  it('answers who shows a certificate', async () => {
    const outcome = await list('127.0.0.1', ...ca, ...client);
    expect(outcome).toEqual({ status: 0, out: '10.0.0.1\n', err: '' });
  });

  it('answers the same when all is said in the environment', async () => {
    const environment = {
      FLEETCTL_ENDPOINT: `https://127.0.0.1:${port}`,
      FLEETCTL_CA_FILE: file('ca.pem'),
      FLEETCTL_CERT_FILE: file('client.pem'),
      FLEETCTL_KEY_FILE: file('client.key'),
    };
    expect((await runCommand(['list-machines'], environment)).status).toBe(0);
  });

  it('refuses who shows none, and fleetctl says which flags it takes', async () => {
    const outcome = await list('127.0.0.1', ...ca);
    expect([outcome.status, outcome.out]).toEqual([1, '']);
    expect(outcome.err).toMatch(/no TLS with https:.*certificate required|hung up/);
    expect(outcome.err).toContain('--cert-file');
  });

  it('is not believed without the certificate of who certified it', async () => {
    for (const args of [client, [...client, '--ca-file', file('stranger.pem')]]) {
      const outcome = await list('127.0.0.1', ...args);
      expect([outcome.status, outcome.out]).toEqual([1, '']);
      expect(outcome.err).toContain('is certified by somebody unknown');
      expect(outcome.err).toContain('--ca-file');
    }
  });

  it('is not believed under a name it has not', async () => {
    const outcome = await list('localhost', ...ca, ...client);
    expect([outcome.status, outcome.out]).toEqual([1, '']);
    expect(outcome.err).toContain('is certified for another name');
  });

  it('is no fleetd to who speaks http', async () => {
    const plain = ['--endpoint', `http://127.0.0.1:${port}`, 'list-machines'];
    const outcome = await runCommand(plain);
    expect([outcome.status, outcome.out]).toEqual([1, '']);
    expect(outcome.err).toMatch(/hung up|does not speak HTTP/);
  });
});

describe('TLS files', () => {
  it('that cannot be used are named before anything is sent', async () => {
    writeFileSync(file('junk.pem'), 'junk');
    const bad = [
      [['--ca-file', file('none.pem')], 'no such file'],
      [['--ca-file', file('junk.pem')], 'is not in PEM'],
      [['--cert-file', file('client.pem')], '--key-file'],
      [['--key-file', file('client.key')], '--cert-file'],
    ] as const;
    for (const [args, words] of bad) {
      const outcome = await list('127.0.0.1', ...args);
      expect([outcome.status, outcome.out]).toEqual([2, '']);
      expect(outcome.err).toContain(words);
    }
  });

  it('that do not belong together, or have no effect, are told as such', async () => {
    const mixed = ['--cert-file', file('client.pem'), '--key-file', file('server.key')];
    const outcome = await list('127.0.0.1', ...ca, ...mixed);
    expect([outcome.status, outcome.out]).toEqual([1, '']);
    expect(outcome.err).toMatch(/no TLS with https:.*key values mismatch/);
    expect((await session.run(...ca, 'list-machines')).err).toContain('TLS files have no effect');
  });
});
