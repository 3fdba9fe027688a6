import { printable } from '../unitfile/problem.ts';
import type { ConfigUser, Located } from './cloud-config.ts';
import {
  type Field,
  type Fields,
  type FieldType,
  isTrue,
  itemsOf,
  readFields,
  textOf,
} from './fields.ts';
import { cloudinitLimits } from './limits.ts';
import { errorAt, type Place, type Problem } from './problem.ts';

/** The keys of an entry of `users`. */
export const userKeys = {
  coreos_ssh_import_github: 'text',
  coreos_ssh_import_github_users: 'texts',
  coreos_ssh_import_url: 'text',
  gecos: 'text',
  groups: 'texts',
  homedir: 'text',
  name: 'text',
  no_create_home: 'truth',
  no_log_init: 'truth',
  no_user_group: 'truth',
  passwd: 'text',
  primary_group: 'text',
  shell: 'text',
  ssh_authorized_keys: 'texts',
  system: 'truth',
} as const satisfies Readonly<Record<string, FieldType>>;

export function locatedText({ line, column }: Place, text: string): Located {
  return { line, column, text };
}

/** The entries of `users`. */
export function readUsers(field: Field | undefined, problems: Problem[]): readonly ConfigUser[] {
  const users = itemsOf(field).flatMap((item, index) => {
    const path = `users[${index}]`;
    const fields = readFields(item, { path, types: userKeys }, problems);
    return readUser(fields, item.place, problems) ?? [];
  });
  for (const [index, user] of users.entries()) {
    const before = users.slice(0, index).find(({ name }) => name === user.name);
    if (before === undefined) continue;
    const why = `user ${user.name} stands in line ${before.line} already`;
    problems.push(errorAt(user, `${why}; make one of them`));
  }
  return users;
}

/** Public keys, one a text. Whether sshd takes them only it can say. */
export function readKeys(field: Field | undefined, problems: Problem[]): readonly Located[] {
  return itemsOf(field).flatMap(({ kind, place, ...item }) => {
    const text = kind === 'scalar' && 'text' in item ? item.text.trim() : '';
    if (text !== '' && !/\p{Cc}/u.test(text) && /\s/.test(text)) return [locatedText(place, text)];
    const rule = 'write TYPE KEY COMMENT in one line, as in an id_ed25519.pub';
    problems.push(errorAt(place, `"${printable(text)}" is no public key; ${rule}`));
    return [];
  });
}

function readUser(fields: Fields, place: Place, problems: Problem[]): ConfigUser | null {
  const name = textOf(fields.get('name')) ?? '';
  const namePlace = fields.get('name')?.value.place ?? place;
  refuseImports(fields, problems);
  const isName = /^[A-Za-z_][A-Za-z0-9_.-]*\$?$/.test(name);
  if (!isName || name.length > cloudinitLimits.userNameLengthMax) {
    const what =
      name === '' ? 'a user without a name' : `"${printable(name)}" is no name of a user`;
    problems.push(errorAt(namePlace, `${what}; write one such as name: elroy`));
    return null;
  }
  const user: ConfigUser = {
    ...{ name, ...namePlace },
    passwordHash: readPassword(fields.get('passwd'), problems),
    comment: readColumn(fields.get('gecos'), problems)?.text ?? null,
    home: readAbsolute(fields.get('homedir'), problems),
    shell: readAbsolute(fields.get('shell'), problems),
    primaryGroup: readGroup(fields.get('primary_group'), problems),
    groups: itemsOf(fields.get('groups')).flatMap((value) => {
      const field = { key: 'groups', place: value.place, value };
      return readGroup(field, problems) ?? [];
    }),
    sshAuthorizedKeys: readKeys(fields.get('ssh_authorized_keys'), problems),
    isSystem: isTrue(fields.get('system')),
    hasNoHome: isTrue(fields.get('no_create_home')),
    hasNoGroup: isTrue(fields.get('no_user_group')),
    isNotLogged: isTrue(fields.get('no_log_init')),
  };
  return user;
}

/** What a machine trusts must not hang on who answers at its boot. */
function refuseImports(fields: Fields, problems: Problem[]): void {
  for (const [key, { place }] of fields) {
    if (!key.startsWith('coreos_ssh_import')) continue;
    const what = `${key}: keys are not fetched from the network`;
    problems.push(errorAt(place, `${what}; write them below ssh_authorized_keys`));
  }
}

function readPassword(field: Field | undefined, problems: Problem[]): string | null {
  const text = textOf(field);
  if (field === undefined || text === null || text === '') return null;
  if (/^[!-9;-~]+$/.test(text)) return text; // printable, and no colon
  problems.push(errorAt(field.value.place, 'passwd is not the hash of a password; see mkpasswd'));
  return null;
}

/** A column of /etc/passwd. */
function readColumn(field: Field | undefined, problems: Problem[]): Located | null {
  const text = textOf(field);
  if (field === undefined || text === null || text === '') return null;
  if (!/[:\p{Cc}]/u.test(text)) return locatedText(field.value.place, text);
  const what = `${field.key} "${printable(text)}" cannot stand in /etc/passwd`;
  problems.push(errorAt(field.value.place, `${what}; take out colons and line ends`));
  return null;
}

function readAbsolute(field: Field | undefined, problems: Problem[]): Located | null {
  const column = readColumn(field, problems);
  if (column === null || column.text.startsWith('/')) return column;
  const what = `${field?.key} "${printable(column.text)}" is not an absolute path`;
  problems.push(errorAt(column, `${what}; begin it with /`));
  return null;
}

function readGroup(field: Field | undefined, problems: Problem[]): Located | null {
  const text = textOf(field);
  if (field === undefined || text === null || text === '') return null;
  if (/^[A-Za-z0-9_][A-Za-z0-9_.-]*\$?$/.test(text)) return locatedText(field.value.place, text);
  problems.push(errorAt(field.value.place, `"${printable(text)}" is no name of a group`));
  return null;
}
