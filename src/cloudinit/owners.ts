import type { CloudConfig, Located } from './cloud-config.ts';
import type { Machine } from './machine.ts';
import { errorAt, type Problem } from './problem.ts';

/** Owners of files that neither the machine has nor the config makes. */
export function ownerProblems(config: CloudConfig, machine: Machine): readonly Problem[] {
  return config.files.flatMap(({ owner }) =>
    owner === null ? [] : problemsOf(owner, config, machine),
  );
}

function problemsOf(owner: Located, config: CloudConfig, machine: Machine): readonly Problem[] {
  const [user = '', group = ''] = owner.text.split(':');
  const problems: Problem[] = [];
  if (!isNumber(user) && !willHaveUser(user, config, machine)) {
    const what = `owner ${owner.text}: there is no user ${user}`;
    problems.push(errorAt(owner, `${what}; add it to users, or choose another`));
  }
  if (group !== '' && !isNumber(group) && !willHaveGroup(group, config, machine)) {
    const what = `owner ${owner.text}: there is no group ${group}`;
    problems.push(errorAt(owner, `${what}; choose another`));
  }
  return problems;
}

function isNumber(text: string): boolean {
  return /^\d+$/.test(text);
}

/** A user that is there or will be; `core` is made for its keys. */
export function willHaveUser(name: string, config: CloudConfig, { users }: Machine): boolean {
  if (users.has(name) || config.users.some((user) => user.name === name)) return true;
  return name === 'core' && config.sshAuthorizedKeys.length > 0;
}

/** useradd makes a group for each user, unless it is told another one. */
export function willHaveGroup(name: string, config: CloudConfig, machine: Machine): boolean {
  if (machine.groups.has(name)) return true;
  const own = config.users.find((user) => user.name === name);
  if (own === undefined) return name === 'core' && willHaveUser(name, config, machine);
  return !machine.users.has(name) && own.primaryGroup === null && !own.hasNoGroup;
}
