import { withKeys } from './authorized-keys.ts';
import type { Circumstances } from './circumstances.ts';
import type { CloudConfig, ConfigUser, Located } from './cloud-config.ts';
import { authorizedKeysPath, type Machine } from './machine.ts';
import { willHaveGroup } from './owners.ts';
import { errorAt, noteAt, type Problem } from './problem.ts';
import { fileStep, runStep, type Step } from './step.ts';

/** What is done about users: the accounts first, their keys once there are homes. */
export interface UsersPlan {
  readonly accounts: readonly Step[];
  readonly keys: readonly Step[];
  readonly problems: readonly Problem[];
}

/** The user whose keys stand at the top of a config; every CoreOS machine had it. */
const coreUser = 'core';

/** Accounts that are missing are made; of those that are there, only password and keys change. */
export function planUsers(config: CloudConfig, circumstances: Circumstances): UsersPlan {
  const { machine } = circumstances;
  const problems: Problem[] = [];
  const accounts: Step[] = [];
  for (const [index, user] of config.users.entries()) {
    const before = { ...config, users: config.users.slice(0, index), sshAuthorizedKeys: [] };
    for (const group of [...user.groups, user.primaryGroup]) {
      if (group === null || willHaveGroup(group.text, before, machine)) continue;
      const what = `user ${user.name}: there is no group ${group.text} on this machine`;
      problems.push(
        errorAt(group, `${what}, nor made before; take it out, or install what brings it`),
      );
    }
    if (!machine.users.has(user.name)) accounts.push(creation(user));
    const hash = user.passwordHash;
    if (hash !== null && machine.passwordHashes.get(user.name) !== hash) {
      accounts.push(passwordStep(user.name, hash));
    }
  }
  const first = config.sshAuthorizedKeys[0];
  const isKnown = machine.users.has(coreUser) || config.users.some(({ name }) => name === coreUser);
  if (first !== undefined && !isKnown) {
    const argv = ['useradd', '--password', '*', '--create-home', '--shell', '/bin/bash', coreUser];
    const why = 'ssh_authorized_keys are of core, which is missing';
    accounts.push(runStep(argv, why, { onFailure: 'stop' }));
    problems.push(noteAt(first, 'there is no user core: it is made, without further groups'));
  }
  return { accounts, keys: keySteps(config, circumstances), problems };
}

/** The homes of accounts that are made. */
export function newHomes({ users, sshAuthorizedKeys }: CloudConfig, machine: Machine): string[] {
  const made = users.map(({ name, home }) => ({ name, home: home?.text ?? `/home/${name}` }));
  if (sshAuthorizedKeys.length > 0) made.push({ name: coreUser, home: `/home/${coreUser}` });
  return made.filter(({ name }) => !machine.users.has(name)).map(({ home }) => home);
}

function creation(user: ConfigUser): Step {
  const argv = ['useradd', '--password', '*'];
  if (user.comment !== null) argv.push('--comment', user.comment);
  if (user.home !== null) argv.push('--home-dir', user.home.text);
  argv.push(user.hasNoHome ? '--no-create-home' : '--create-home');
  if (user.primaryGroup !== null) argv.push('--gid', user.primaryGroup.text);
  if (user.groups.length > 0) argv.push('--groups', user.groups.map(({ text }) => text).join(','));
  if (user.hasNoGroup) argv.push('--no-user-group');
  if (user.isSystem) argv.push('--system');
  if (user.isNotLogged) argv.push('--no-log-init');
  if (user.shell !== null) argv.push('--shell', user.shell.text);
  const reason = `users: ${user.name} is missing`;
  return runStep([...argv, user.name], reason, { onFailure: 'stop' });
}

/** Not on the command line, which everybody on the machine can read. */
function passwordStep(name: string, hash: string): Step {
  return runStep(['chpasswd', '--encrypted'], `users: the password of ${name}`, {
    input: `${name}:${hash}\n`,
    onFailure: 'stop',
  });
}

function keySteps(config: CloudConfig, { machine, keyName }: Circumstances): readonly Step[] {
  const wanted = new Map<string, Located[]>();
  const add = (name: string, keys: readonly Located[]): void => {
    if (keys.length > 0) wanted.set(name, [...(wanted.get(name) ?? []), ...keys]);
  };
  for (const { name, sshAuthorizedKeys } of config.users) add(name, sshAuthorizedKeys);
  add(coreUser, config.sshAuthorizedKeys);
  return [...wanted].map(([name, keys]) => {
    const asked = config.users.find((user) => user.name === name)?.home?.text;
    const home = machine.users.get(name)?.home ?? asked ?? `/home/${name}`;
    const path = authorizedKeysPath(home);
    const texts = [...new Set(keys.map(({ text }) => text))];
    const text = withKeys(machine.texts.get(path) ?? '', keyName, texts);
    const reason = `ssh_authorized_keys of ${name}`;
    return fileStep(path, text, reason, {
      mode: 0o600,
      owner: `${name}:`,
      isInHome: true,
      isLate: true,
    });
  });
}
