import { readFileSync } from 'node:fs';
import { messageOf } from '../lib/error.ts';
import { usageError } from './command-error.ts';
import type { Given, GivenFlags, GlobalFlag } from './global-flag.ts';

/** What TLS takes besides a host: PEM texts. */
export interface TlsMaterial {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

/** The global flags about TLS. */
export const tlsGlobalFlags: readonly GlobalFlag[] = [
  {
    usage: '--ca-file <path>',
    what: 'for https: the certificates that fleetd may be certified by, in PEM',
    key: 'caFile',
    variable: 'FLEETCTL_CA_FILE',
  },
  {
    usage: '--cert-file <path>',
    what: 'for https: the certificate to show to fleetd, in PEM',
    key: 'certFile',
    variable: 'FLEETCTL_CERT_FILE',
  },
  {
    usage: '--key-file <path>',
    what: 'for https: the key of that certificate, in PEM',
    key: 'keyFile',
    variable: 'FLEETCTL_KEY_FILE',
  },
  {
    usage: '--etcd-cafile <path>',
    what: 'the old name of --ca-file',
    key: 'etcdCafile',
    variable: 'FLEETCTL_ETCD_CAFILE',
  },
  {
    usage: '--etcd-certfile <path>',
    what: 'the old name of --cert-file',
    key: 'etcdCertfile',
    variable: 'FLEETCTL_ETCD_CERTFILE',
  },
  {
    usage: '--etcd-keyfile <path>',
    what: 'the old name of --key-file',
    key: 'etcdKeyfile',
    variable: 'FLEETCTL_ETCD_KEYFILE',
  },
];

/** What a flag was called when fleetctl spoke to etcd itself. */
const oldKeys = {
  caFile: ['etcdCafile', '--ca-file'],
  certFile: ['etcdCertfile', '--cert-file'],
  keyFile: ['etcdKeyfile', '--key-file'],
} as const;

/** Says what to write instead of the old names that were given. */
export function oldTlsWarnings(given: GivenFlags): readonly string[] {
  return Object.values(oldKeys).flatMap(([old, flag]) => {
    const found = given.get(old);
    if (found === undefined) return [];
    const now = found.from.startsWith('--') ? flag : variableOf(flag);
    return [`${found.from} is deprecated: it is called ${now}`];
  });
}

function variableOf(flag: string): string {
  return `FLEETCTL_${flag.slice(2).replaceAll('-', '_').toUpperCase()}`;
}

/** By its name or its old one; one on the command line wins over one in the environment. */
function givenFile(given: GivenFlags, key: keyof typeof oldKeys): Given | undefined {
  const [now, old] = [given.get(key), given.get(oldKeys[key][0])];
  if (now === undefined || old === undefined) return now ?? old;
  return !now.from.startsWith('--') && old.from.startsWith('--') ? old : now;
}

/** Reads the files that `tlsGlobalFlags` name. Throws CommandError with status 2. */
export function readTlsFiles(given: GivenFlags): TlsMaterial {
  const ca = givenFile(given, 'caFile');
  const cert = givenFile(given, 'certFile');
  const key = givenFile(given, 'keyFile');
  const lonely =
    cert !== undefined && key === undefined ? cert : cert === undefined ? key : undefined;
  if (lonely !== undefined) {
    const other = lonely === cert ? '--key-file' : '--cert-file';
    throw usageError(`${lonely.from} is of no use alone`, `give ${other} as well`);
  }
  return {
    ...(ca === undefined ? {} : { ca: readPem(ca) }),
    ...(cert === undefined ? {} : { cert: readPem(cert) }),
    ...(key === undefined ? {} : { key: readPem(key) }),
  };
}

function readPem({ text: path, from }: Given): string {
  const text = readText(path, from);
  if (/-----BEGIN [A-Z0-9 ]+-----/.test(text)) return text;
  throw usageError(`${from}: ${path} is not in PEM`, 'a PEM file has a line "-----BEGIN …-----"');
}

function readText(path: string, from: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw usageError(`${from}: ${messageOf(error)}`, 'name a file that can be read');
  }
}
