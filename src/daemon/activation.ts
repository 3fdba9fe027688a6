import { fstatSync, readFileSync } from 'node:fs';

/** A listening socket that systemd opened for us. */
export interface HandedSocket {
  readonly fd: number;
  /** `FileDescriptorName=` of its socket unit. */
  readonly name: string;
}

/** The first that systemd hands over; the others follow. */
const firstFd = 3;

/** Sockets at most; more is a mistake in the environment. */
const socketCountMax = 64;

/** The sockets in `$LISTEN_FDS`, if they are meant for this process (sd_listen_fds(3)). */
export function handedSockets(
  environment: Readonly<Record<string, string | undefined>>,
  pid: number,
): readonly HandedSocket[] {
  if (Number(environment['LISTEN_PID']) !== pid) return [];
  const count = Number(environment['LISTEN_FDS']);
  if (!Number.isInteger(count) || count < 1 || count > socketCountMax) return [];
  const names = (environment['LISTEN_FDNAMES'] ?? '').split(':');
  return Array.from({ length: count }, (_none, index) => ({
    fd: firstFd + index,
    name: names[index] || 'unknown',
  }));
}

/** The path that a unix socket is bound to; null for any other socket. */
export function unixPathOf(fd: number): string | null {
  return unixPathIn(readFileSync('/proc/net/unix', 'utf8'), fstatSync(fd).ino);
}

/** The path of the socket with that inode, from the text of /proc/net/unix. */
export function unixPathIn(table: string, inode: number): string | null {
  const columns = /^\S+ \S+ \S+ \S+ \S+ \S+ +(\d+)(?: (\/.*))?$/;
  for (const line of table.split('\n')) {
    const [, found, path] = columns.exec(line) ?? [];
    if (Number(found) === inode) return path ?? null;
  }
  return null;
}
