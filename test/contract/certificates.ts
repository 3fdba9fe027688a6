import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A certificate and its key, as PEM files. */
export interface KeyPair {
  readonly cert: string;
  readonly key: string;
}

/** An authority of one test, in a folder of its own. */
export interface TestAuthority {
  readonly ca: string;
  /** For a client, and at once for a server on 127.0.0.1 and on what other addresses are given. */
  issue(commonName: string, ...addresses: readonly string[]): Promise<KeyPair>;
  remove(): Promise<void>;
}

/** Makes an authority with openssl. */
export async function makeAuthority(): Promise<TestAuthority> {
  const folder = await mkdtemp(join(tmpdir(), 'flotilla-ca-'));
  const ca = join(folder, 'ca.pem');
  const caKey = join(folder, 'ca.key');
  const openssl = (...args: readonly string[]) => run('openssl', args, { cwd: folder });
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  await openssl(
    ...['req', '-x509', ...newKey, '-days', '2', '-subj', '/CN=test authority'],
    ...['-keyout', caKey, '-out', ca],
  );
  return {
    ca,
    issue: async (commonName, ...addresses) => {
      const [cert, key, asked, extra] = ['pem', 'key', 'csr', 'ext'].map((ending) =>
        join(folder, `${commonName}.${ending}`),
      ) as [string, string, string, string];
      await openssl(
        ...['req', '-new', ...newKey, '-subj', `/CN=${commonName}`, '-keyout', key, '-out', asked],
      );
      const usage = 'extendedKeyUsage=serverAuth,clientAuth';
      const names = ['127.0.0.1', ...addresses].map((address) => `IP:${address}`).join(',');
      await writeFile(extra, `subjectAltName=${names}\n${usage}\n`);
      await openssl(
        ...['x509', '-req', '-in', asked, '-CA', ca, '-CAkey', caKey, '-CAcreateserial'],
        ...['-days', '2', '-extfile', extra, '-out', cert],
      );
      return { cert, key };
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
