import { printable } from '../unitfile/problem.ts';
import type { CloudConfig, Located, Setting } from './cloud-config.ts';
import { readFiles } from './decode-files.ts';
import { readUnits } from './decode-units.ts';
import { locatedText, readKeys, readUsers } from './decode-users.ts';
import { type Field, type FieldType, readFields, textOf } from './fields.ts';
import { cloudinitLimits } from './limits.ts';
import { metadataObjection } from './metadata.ts';
import { errorAt, type Problem } from './problem.ts';
import { type SectionKey, type SectionName, sectionKeys, sectionNames } from './section-keys.ts';
import { readTree } from './yaml-tree.ts';

/** The keys at the top of a cloud-config. */
export const topKeys = {
  coreos: 'map',
  hostname: 'text',
  manage_etc_hosts: 'text',
  ssh_authorized_keys: 'texts',
  users: 'maps',
  write_files: 'maps',
} as const satisfies Readonly<Record<string, FieldType>>;

/** What was understood of a text, and all that is wrong with it. */
export interface Decoded {
  /** To be used only when there are no errors among the problems. */
  readonly config: CloudConfig;
  readonly problems: readonly Problem[];
}

/** Reads the text of a cloud-config, its addresses filled in already; never throws. */
export function decodeCloudConfig(text: string): Decoded {
  const { tree, problems: grammar } = readTree(text);
  const problems = [...grammar];
  const top = readFields(tree, { path: '', types: topKeys }, problems);
  const coreosTypes: Record<string, FieldType> = { units: 'maps' };
  for (const name of sectionNames) coreosTypes[name] = 'map';
  const coreosTree = top.get('coreos')?.value ?? { kind: 'nothing', place: { line: 1, column: 1 } };
  const coreos = readFields(coreosTree, { path: 'coreos', types: coreosTypes }, problems);
  const sections = Object.fromEntries(
    sectionNames.map((name) => [name, readSection(name, coreos.get(name), problems)]),
  ) as CloudConfig['sections'];
  const config: CloudConfig = {
    hostname: readHostname(top.get('hostname'), problems),
    managesHosts: readManagesHosts(top.get('manage_etc_hosts'), problems),
    sshAuthorizedKeys: readKeys(top.get('ssh_authorized_keys'), problems),
    users: readUsers(top.get('users'), problems),
    files: readFiles(top.get('write_files'), problems),
    units: readUnits(coreos.get('units'), problems),
    sections,
  };
  return { config, problems };
}

function readSection(
  name: SectionName,
  field: Field | undefined,
  problems: Problem[],
): readonly Setting[] {
  if (field === undefined) return [];
  const keys: Readonly<Record<string, SectionKey>> = sectionKeys[name];
  const types = Object.fromEntries(Object.entries(keys).map(([key, { type }]) => [key, type]));
  const path = `coreos.${name}`;
  const settings: Setting[] = [];
  for (const [key, { value }] of readFields(field.value, { path, types }, problems)) {
    if (value.kind !== 'scalar' || value.text === '') continue;
    // Of `yes` and `true` only YAML knows that they are the same.
    const text = types[key] === 'truth' ? String(value.value) : value.text;
    const setting: Setting = { key, value: text, ...value.place };
    const why = objectionTo(`${path}.${key}`, setting, keys[key]);
    if (why === null) settings.push(setting);
    else problems.push(errorAt(value.place, why));
  }
  return settings;
}

function objectionTo(
  path: string,
  { value, key }: Setting,
  known: SectionKey | undefined,
): string | null {
  const shown = printable(value);
  if (/\p{Cc}/u.test(value)) return `${path} is one line of text, not "${shown}"; join its lines`;
  if (known?.shape !== undefined && !known.shape.pattern.test(value)) {
    return `${path} is ${known.shape.words}, not "${shown}"`;
  }
  if (path === 'coreos.fleet.metadata') return metadataObjection(value);
  if (/^(peer_)?(bind_)?addr$/.test(key)) return objectionToAddress(path, value);
  return null;
}

/** etcd 0.4 took `10.0.0.5:4001` and, for where it listens, an address without a port. */
function objectionToAddress(path: string, value: string): string | null {
  const withPort = /^(\[[\da-fA-F:.]+\]|[A-Za-z0-9._-]+):(\d{1,5})$/.exec(value);
  const port = Number(withPort?.[2]);
  if (withPort !== null && port >= 1 && port <= 65_535) return null;
  if (path.endsWith('bind_addr') && /^(\[[\da-fA-F:.]+\]|[A-Za-z0-9._-]+)$/.test(value))
    return null;
  return `${path} is ADDRESS:PORT, such as 10.0.0.5:4001, not "${printable(value)}"`;
}

function readHostname(field: Field | undefined, problems: Problem[]): Located | null {
  const text = textOf(field);
  if (field === undefined || text === null || text === '') return null;
  const part = '[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?';
  const isName = new RegExp(`^${part}(\\.${part})*$`).test(text);
  const { hostnameLengthMax } = cloudinitLimits;
  if (isName && text.length <= hostnameLengthMax) return locatedText(field.value.place, text);
  const what = `hostname "${printable(text)}" is none`;
  const rule = `letters, digits and - between them, at most ${hostnameLengthMax}`;
  problems.push(errorAt(field.value.place, `${what}; it has ${rule}`));
  return null;
}

function readManagesHosts(field: Field | undefined, problems: Problem[]): boolean {
  const text = textOf(field);
  if (field === undefined || text === null || text === '') return false;
  if (text === 'localhost') return true;
  const what = `manage_etc_hosts can be localhost and nothing else, not "${printable(text)}"`;
  problems.push(errorAt(field.value.place, `${what}; write a file /etc/hosts for more`));
  return false;
}
