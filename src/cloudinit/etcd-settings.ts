import { isIPv4, isIPv6 } from 'node:net';
import type { Setting } from './cloud-config.ts';
import { errorAt, noteAt, type Problem } from './problem.ts';
import { type SectionKey, sectionKeys } from './section-keys.ts';
import type { Variable } from './variable-file.ts';

/** A section about etcd. */
export type EtcdSection = 'etcd' | 'etcd2' | 'etcd3';

/** What a section says in the variables of today's etcd. */
export interface EtcdVariables {
  readonly variables: readonly Variable[];
  readonly problems: readonly Problem[];
}

/**
 * Says what a section of etcd 0.4, 2 or 3 says in the words of today's etcd, and notes each thing
 * that is said otherwise than it was written.
 */
export function etcdVariables(section: EtcdSection, settings: readonly Setting[]): EtcdVariables {
  const first = settings[0];
  if (first === undefined) return { variables: [], problems: [] };
  const work: Work = { section, settings, variables: new Map(), problems: [] };
  for (const setting of settings) oneToOne(work, setting);
  certificates(work);
  verbosity(work);
  if (section === 'etcd') {
    for (const side of sides) oldAddresses(work, side);
  }
  if (section === 'etcd2') oldPorts(work);
  if (section !== 'etcd3') {
    set(work, 'ETCD_ENABLE_V2', 'true');
    note(work, first, 'etcd serves its v2 API besides v3 (ETCD_ENABLE_V2=true), for etcdctl set');
  }
  if (!work.variables.has('ETCD_NAME')) {
    set(work, 'ETCD_NAME', '%m');
    note(work, first, 'the member has no name and gets the machine-id (ETCD_NAME=%m)');
  }
  return { variables: [...work.variables], problems: work.problems };
}

interface Work {
  readonly section: EtcdSection;
  readonly settings: readonly Setting[];
  readonly variables: Map<string, string>;
  readonly problems: Problem[];
}

function set({ variables }: Work, name: string, value: string): void {
  variables.set(name, value);
}

function note({ section, problems }: Work, place: Setting, message: string): void {
  problems.push(noteAt(place, `coreos.${section}: ${message}`));
}

function find({ settings }: Work, key: string): Setting | undefined {
  return settings.find((setting) => setting.key === key);
}

function oneToOne(work: Work, setting: Setting): void {
  const keys: Readonly<Record<string, SectionKey>> = sectionKeys[work.section];
  const meaning = keys[setting.key]?.meaning;
  const path = `coreos.${work.section}.${setting.key}`;
  if (meaning?.kind === 'variable') set(work, meaning.name, setting.value);
  if (meaning?.kind === 'gone') {
    work.problems.push(noteAt(setting, `${path} is left out: ${meaning.why}`));
  }
  if (meaning?.kind === 'refused') {
    work.problems.push(errorAt(setting, `${path} cannot be kept: ${meaning.why}`));
  }
}

function certificates(work: Work): void {
  for (const side of ['', 'PEER_'] as const) {
    const old = find(work, `${side.toLowerCase()}ca_file`);
    if (old === undefined) continue;
    set(work, `ETCD_${side}TRUSTED_CA_FILE`, old.value);
    set(work, `ETCD_${side}CLIENT_CERT_AUTH`, 'true');
    const now = `${side.toLowerCase()}trusted_ca_file and ${side.toLowerCase()}client_cert_auth`;
    note(work, old, `${old.key} becomes ${now}`);
  }
}

function verbosity(work: Work): void {
  const asked = work.settings.find(
    ({ key, value }) => /^(debug|(very_){0,2}verbose)$/.test(key) && value === 'true',
  );
  if (asked === undefined) return;
  set(work, 'ETCD_LOG_LEVEL', 'debug');
  note(work, asked, `${asked.key} becomes ETCD_LOG_LEVEL=debug`);
}

/** Clients and peers, and how each is written then and now. */
interface Side {
  readonly address: string;
  readonly bind: string;
  readonly certificate: string;
  readonly advertised: string;
  readonly listening: string;
  /** Where etcd 0.4 was unless it was told. */
  readonly byDefault: string;
  /** Also served: what asks etcd today asks there first. */
  readonly portNow: string | null;
}

const sides: readonly Side[] = [
  {
    ...{ address: 'addr', bind: 'bind_addr', certificate: 'cert_file' },
    advertised: 'ETCD_ADVERTISE_CLIENT_URLS',
    listening: 'ETCD_LISTEN_CLIENT_URLS',
    ...{ byDefault: '127.0.0.1:4001', portNow: '2379' },
  },
  {
    ...{ address: 'peer_addr', bind: 'peer_bind_addr', certificate: 'peer_cert_file' },
    advertised: 'ETCD_INITIAL_ADVERTISE_PEER_URLS',
    listening: 'ETCD_LISTEN_PEER_URLS',
    ...{ byDefault: '127.0.0.1:7001', portNow: null },
  },
];

/**
 * etcd 0.4 told others one address and listened on its port everywhere, unless it was told where.
 * The keys of etcd 2 win where they stand beside the old ones.
 */
function oldAddresses(work: Work, side: Side): void {
  const { variables, settings, section } = work;
  const asked = find(work, side.address) ?? find(work, side.bind);
  if (variables.has(side.advertised) && variables.has(side.listening)) return;
  const address = find(work, side.address)?.value ?? side.byDefault;
  const port = address.slice(address.lastIndexOf(':') + 1);
  const host = address.slice(0, -port.length - 1);
  const bind = bindAddress(work, side, { host, port });
  if (bind === null) return;
  const scheme = find(work, side.certificate) === undefined ? 'http' : 'https';
  const also = side.portNow === null || side.portNow === bind.port ? null : side.portNow;
  const places = [`${bind.host}:${bind.port}`, ...(also === null ? [] : [`${bind.host}:${also}`])];
  const listening = places.map((place) => `${scheme}://${place}`).join(',');
  if (!variables.has(side.advertised)) set(work, side.advertised, `${scheme}://${address}`);
  if (!variables.has(side.listening)) set(work, side.listening, listening);
  const place = asked ?? settings[0];
  if (place === undefined) return;
  const now = [side.advertised, side.listening].map((name) => `${name}=${variables.get(name)}`);
  const what = asked === undefined ? `no ${side.address}, as in etcd 0.4` : asked.key;
  work.problems.push(noteAt(place, `coreos.${section}: ${what} becomes ${now.join(' and ')}`));
}

function bindAddress(
  work: Work,
  side: Side,
  address: { readonly host: string; readonly port: string },
): { readonly host: string; readonly port: string } | null {
  const bind = find(work, side.bind);
  if (bind === undefined) {
    if (find(work, side.address) === undefined) return address;
    return { host: address.host.startsWith('[') ? '[::]' : '0.0.0.0', port: address.port };
  }
  const [, host = bind.value, port = address.port] = /^(.+):(\d+)$/.exec(bind.value) ?? [];
  if (isIPv4(host) || isIPv6(host.replace(/^\[|\]$/g, '')) || host === 'localhost') {
    return { host, port };
  }
  const rule = 'etcd listens on addresses only now; write one, such as 0.0.0.0:4001';
  work.problems.push(errorAt(bind, `coreos.${work.section}.${bind.key}: ${rule}`));
  return null;
}

/** Unless it was told, etcd 2 also served the port of etcd 0.4, and many a config counts on it. */
function oldPorts(work: Work): void {
  const first = work.settings[0];
  if (first === undefined || work.variables.has('ETCD_LISTEN_CLIENT_URLS')) return;
  const scheme = find(work, 'cert_file') === undefined ? 'http' : 'https';
  const both = `${scheme}://localhost:2379,${scheme}://localhost:4001`;
  set(work, 'ETCD_LISTEN_CLIENT_URLS', both);
  // etcd wants to be told both or none.
  if (!work.variables.has('ETCD_ADVERTISE_CLIENT_URLS')) {
    set(work, 'ETCD_ADVERTISE_CLIENT_URLS', both);
  }
  note(work, first, `no listen_client_urls: ETCD_LISTEN_CLIENT_URLS=${both}, as in etcd 2`);
}
