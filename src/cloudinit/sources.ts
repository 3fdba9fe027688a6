import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FleetError, messageOf } from '../lib/error.ts';
import type { GetUrl } from './get-url.ts';

/** Where user-data comes from. */
export type Source =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'url'; readonly url: string }
  | { readonly kind: 'config-drive'; readonly folder: string }
  | { readonly kind: 'kernel-command-line' }
  /** The first of those that a machine has when it boots; none is fine. */
  | { readonly kind: 'boot' };

/** What a source had. */
export interface Provided {
  /** For messages: a path or a URL. */
  readonly name: string;
  readonly userData: Uint8Array;
  readonly metadata: Metadata;
}

/** What is known of a machine besides its user-data. */
export interface Metadata {
  readonly hostname: string | null;
  readonly sshKeys: readonly string[];
}

/** Where a boot looks for a file, the first that is there. */
export const bootFiles: readonly string[] = [
  '/etc/fleet/cloud-config.yml',
  '/var/lib/coreos-install/user_data',
  '/var/lib/coreos-vagrant/vagrantfile-user-data',
  '/usr/share/oem/cloud-config.yml',
];

/** Where a boot finds a config drive. */
export const configDriveFolder = '/media/configdrive';

const noMetadata: Metadata = { hostname: null, sshKeys: [] };

/** How sources are reached. */
export interface Reach {
  /** Below which a boot looks. */
  readonly root: string;
  readonly get: GetUrl;
}

/** Reads a source; null when a boot has none. Throws FleetError when it cannot be read. */
export function readSource(source: Source, reach: Reach): Promise<Provided | null> {
  switch (source.kind) {
    case 'file':
      return fromFile(source.path);
    case 'url':
      return fromUrl(source.url, reach);
    case 'config-drive':
      return fromConfigDrive(source.folder);
    case 'kernel-command-line':
      return fromKernel(reach);
    case 'boot':
      return fromBoot(reach);
  }
}

/** The URL that a kernel command line names, the last one; null when it names none. */
export function cloudConfigUrl(commandLine: string): string | null {
  const named = commandLine.split(/\s+/).flatMap((word) => {
    return /^cloud[-_]config[-_]url=(.+)$/.exec(word)?.[1] ?? [];
  });
  return named.at(-1) ?? null;
}

async function fromFile(path: string): Promise<Provided> {
  const userData = await bytesOf(path);
  if (userData === null) throw unreadable(`there is no file ${path}`, 'give the path of one');
  return { name: path, userData, metadata: noMetadata };
}

async function fromUrl(url: string, { get }: Reach): Promise<Provided> {
  if (!/^https?:\/\/./.test(url)) {
    throw unreadable(`${url} is not a URL of http or https`, 'write it as http://HOST/PATH');
  }
  const got = await get(url);
  const hint = 'see that its server runs and has the file, then try again';
  if (got.kind === 'away') throw unreadable(`${url} does not answer (${got.why})`, hint);
  if (got.status < 200 || got.status > 299) {
    throw unreadable(`${url} answers with status ${got.status}`, hint);
  }
  return { name: url, userData: got.body, metadata: noMetadata };
}

async function fromConfigDrive(folder: string): Promise<Provided> {
  const latest = join(folder, 'openstack/latest');
  const name = join(latest, 'user_data');
  const metadataPath = join(latest, 'meta_data.json');
  const userData = await bytesOf(name);
  const metadata = await bytesOf(metadataPath);
  if (userData === null && metadata === null) {
    throw unreadable(`${latest} has neither user_data nor meta_data.json`, 'is the drive mounted?');
  }
  return {
    name,
    userData: userData ?? new Uint8Array(),
    metadata: metadata === null ? noMetadata : metadataOf(metadata, metadataPath),
  };
}

function metadataOf(bytes: Buffer, path: string): Metadata {
  const value = parsed(bytes, path);
  const record = typeof value === 'object' && value !== null ? value : {};
  const { hostname, public_keys: keys } = record as Readonly<Record<string, unknown>>;
  const named = typeof keys === 'object' && keys !== null ? Object.values(keys) : [];
  const sshKeys = named.filter((key) => typeof key === 'string').map((key) => key.trim());
  const isNamed = typeof hostname === 'string' && hostname !== '';
  return { hostname: isNamed ? hostname : null, sshKeys };
}

function parsed(bytes: Buffer, path: string): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    throw unreadable(`${path} is not JSON: ${messageOf(error)}`, 'write the config drive again');
  }
}

async function fromKernel(reach: Reach): Promise<Provided> {
  const url = cloudConfigUrl(await commandLine(reach));
  if (url !== null) return fromUrl(url, reach);
  throw unreadable('the kernel command line has no cloud-config-url=', 'add one, or use a file');
}

async function fromBoot(reach: Reach): Promise<Provided | null> {
  const url = cloudConfigUrl(await commandLine(reach));
  if (url !== null) return fromUrl(url, reach);
  const drive = join(reach.root, configDriveFolder);
  for (const name of ['user_data', 'meta_data.json']) {
    const found = await bytesOf(join(drive, 'openstack/latest', name));
    if (found !== null) return fromConfigDrive(drive);
  }
  for (const path of bootFiles) {
    const place = join(reach.root, path);
    if ((await bytesOf(place)) !== null) return fromFile(place);
  }
  return null;
}

async function commandLine({ root }: Reach): Promise<string> {
  return (await bytesOf(join(root, '/proc/cmdline')))?.toString('utf8') ?? '';
}

/** The bytes of a file; null when there is none. Throws FleetError `disk/failed`. */
async function bytesOf(path: string): Promise<Buffer | null> {
  try {
    return await readFile(path);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null;
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    throw unreadable(`could not read ${path}: ${messageOf(error)}`, 'make it readable for root');
  }
}

function unreadable(what: string, hint: string): FleetError {
  return new FleetError(what, { code: 'config/invalid', retry: 'never', hint });
}
