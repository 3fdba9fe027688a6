/**
 * What of a machine a plan depends on. Everything is read before the first change, so that what
 * cannot be done is known before anything is done.
 */
export interface Machine {
  /** Unit files that systemd would find, by name. */
  readonly unitFiles: ReadonlySet<string>;
  /** By name. */
  readonly users: ReadonlyMap<string, MachineUser>;
  readonly groups: ReadonlySet<string>;
  /** By user; of those that can be read. Never to be shown. */
  readonly passwordHashes: ReadonlyMap<string, string>;
  readonly hostname: string;
  /** The files that are added to, by path; '' for one that is not there. */
  readonly texts: ReadonlyMap<string, string>;
}

/** A line of /etc/passwd. */
export interface MachineUser {
  readonly name: string;
  readonly home: string;
}

/** The files that a config adds to. */
export const mergedPaths = {
  environment: '/etc/environment',
  hosts: '/etc/hosts',
  update: '/etc/coreos/update.conf',
  /** Where the above begins when it is not there. */
  updateDefault: '/usr/share/coreos/update.conf',
} as const;

/** Where the keys lie that open a user's account. */
export function authorizedKeysPath(home: string): string {
  return `${home.replace(/\/$/, '')}/.ssh/authorized_keys`;
}

/** The users of a text as /etc/passwd has it. */
export function usersOf(passwd: string): ReadonlyMap<string, MachineUser> {
  const users = new Map<string, MachineUser>();
  for (const line of passwd.split('\n')) {
    const [name = '', , , , , home = ''] = line.split(':');
    if (name !== '' && home.startsWith('/')) users.set(name, { name, home });
  }
  return users;
}

/** The hashes of a text as /etc/shadow has it. */
export function passwordHashesOf(shadow: string): ReadonlyMap<string, string> {
  return new Map(
    shadow.split('\n').map((line) => {
      const [name = '', hash = ''] = line.split(':');
      return [name, hash];
    }),
  );
}

/** The names of a text as /etc/group has it. */
export function groupsOf(group: string): ReadonlySet<string> {
  return new Set(
    group
      .split('\n')
      .flatMap((line) => line.split(':', 1))
      .filter(Boolean),
  );
}
