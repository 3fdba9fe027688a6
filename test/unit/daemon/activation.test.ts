import { execFileSync } from 'node:child_process';
import { fstatSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { handedSockets, unixPathIn } from '../../../src/daemon/activation.ts';

describe('sockets from systemd', () => {
  it('are those after standard error, with their names', () => {
    const environment = { LISTEN_PID: '7', LISTEN_FDS: '2', LISTEN_FDNAMES: 'fleet.socket:tcp' };
    expect(handedSockets(environment, 7)).toEqual([
      { fd: 3, name: 'fleet.socket' },
      { fd: 4, name: 'tcp' },
    ]);
  });

  it.each([
    ['there are none', {}],
    ['they are meant for another process', { LISTEN_PID: '8', LISTEN_FDS: '1' }],
    ['their number is no number', { LISTEN_PID: '7', LISTEN_FDS: 'x' }],
    ['their number cannot be', { LISTEN_PID: '7', LISTEN_FDS: '65' }],
    ['there are zero of them', { LISTEN_PID: '7', LISTEN_FDS: '0' }],
  ])('are not taken when %s', (_why, environment) => {
    expect(handedSockets(environment, 7)).toEqual([]);
  });

  it('may have no names', () => {
    const environment = { LISTEN_PID: '7', LISTEN_FDS: '2', LISTEN_FDNAMES: 'a' };
    expect(handedSockets(environment, 7).map(({ name }) => name)).toEqual(['a', 'unknown']);
  });

  it('are told apart by the path they are bound to', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'flotilla-activation-'));
    const path = join(folder, 'a socket');
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(path, resolve));
    const table = readFileSync('/proc/net/unix', 'utf8');
    const inodes = table
      .split('\n')
      .filter((line) => line.endsWith(path))
      .map((line) => Number(line.trim().split(/\s+/)[6]));
    expect(inodes.map((inode) => unixPathIn(table, inode))).toEqual([path]);
    expect(unixPathIn(table, fstatSync(0).ino + 1e12)).toBeNull();
    await new Promise((resolve) => server.close(resolve));
    rmSync(folder, { recursive: true });
  });
});

describe('units/fleet.socket', () => {
  it('is a unit that systemd takes without a word', () => {
    const verify = ['verify', 'units/fleet.socket', 'units/fleet.service'];
    const said = execFileSync('sh', ['-c', 'systemd-analyze "$@" 2>&1 || true', 'sh', ...verify], {
      encoding: 'utf8',
    });
    expect(said.split('\n').filter((line) => line.includes('fleet.socket'))).toEqual([]);
  });
});
