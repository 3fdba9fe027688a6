import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { aSession, type Session } from '../../builders/fleetctl-session.ts';

/** An ssh without a network: notes that it ran, and gives its last word to a shell. */
const nearSsh = [
  'echo once >> "$HOME/runs"',
  'for last; do :; done',
  'echo "a shell that likes to talk"',
  'exec sh -c "$last"',
].join('\n');

/** fleetctl as it is at the far end. */
const realFleetctl = `exec ${process.execPath} ${resolve('src/fleetctl/main.ts')} "$@"`;

async function aTunnelledSession(): Promise<Session> {
  const session = await aSession({ machineCount: 3 });
  session.program('ssh', nearSsh);
  session.program('fleetctl', realFleetctl);
  return session;
}

function runCount(session: Session): number {
  return readFileSync(`${session.server.folder}/runs`, 'utf8').split('\n').length - 1;
}

describe('a tunnel', () => {
  it('carries all requests of a command over one ssh, whatever the shell there says first', async () => {
    await using session = await aTunnelledSession();
    const path = session.file('web@.service', '[Service]\nExecStart=/bin/sleep 1d\n');
    expect((await session.run('submit', path)).status).toBe(0);
    const names = Array.from({ length: 30 }, (_, index) => `web@${index}.service`);
    const started = await session.run('--tunnel', 'far', 'start', ...names);
    expect(started).toMatchObject({ status: 0, err: '' });
    expect(started.out.match(/launched on/g)).toHaveLength(30);
    expect(runCount(session)).toBe(1);
  });

  it('carries a text of the largest size both ways, byte for byte', async () => {
    await using session = await aTunnelledSession();
    const text = `[Service]\nExecStart=/bin/true\n${'# ünïcode and more\n'.repeat(3000)}`;
    const path = session.file('long.service', text);
    expect(await session.run('--tunnel', 'far', 'submit', path)).toMatchObject({ status: 0 });
    expect((await session.run('--tunnel', 'far', 'cat', 'long')).out).toBe(text);
  });

  it('that does not open is tried once for all requests, and leaves no file behind', async () => {
    await using session = await aTunnelledSession();
    session.program('ssh', 'echo once >> "$HOME/runs"; echo "ssh: No route to host" >&2; exit 255');
    const outcome = await session.run('--tunnel', 'far', 'list-units');
    expect(outcome).toEqual({
      status: 1,
      out: '',
      err:
        'fleetctl: no connection by ssh to far: No route to host\n' +
        'is the machine on, and does a firewall let ssh through? --ssh-timeout waits longer\n',
    });
    expect(runCount(session)).toBe(1);
    const left = readdirSync(session.server.folder).filter((name) => name.startsWith('fleetctl-'));
    expect(left).toEqual([]);
  });

  it('to a machine that says nothing is given up after --ssh-timeout', async () => {
    await using session = await aTunnelledSession();
    session.program('ssh', 'exec sleep 600');
    const outcome = await session.run('--tunnel', 'far', '--ssh-timeout', '100ms', 'list-units');
    expect(outcome.status).toBe(1);
    expect(outcome.err).toContain('no connection by ssh to far: Timed out after 0.1 s');
  });

  it('to a machine without fleetctl, or without fleetd, says which', async () => {
    await using session = await aTunnelledSession();
    session.program('ssh', 'echo "fleetctl: the tunnel is open"; echo "no such" >&2; exit 127');
    const bare = await session.run('--tunnel', 'far', 'list-units');
    expect(bare.err).toContain('there is no fleetctl on far');
    session.program('ssh', nearSsh);
    const elsewhere = ['--tunnel', 'far', '--endpoint', 'unix:///nonexistent/f.sock'];
    const dead = await session.run(...elsewhere, 'list-units');
    expect(dead.err).toContain('far: nobody listens at unix:///nonexistent/f.sock');
    expect([bare.status, dead.status]).toEqual([1, 1]);
  });
});

describe('fd-forward', () => {
  it('hands the end of its input on, and waits for the answer', async () => {
    await using session = await aSession({ machineCount: 1 });
    const args = ['src/fleetctl/main.ts', 'fd-forward', session.server.socketPath];
    const program = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    program.stdin.end('GET /fleet/v1/machines HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    const ended = once(program, 'close');
    let heard = '';
    for await (const part of program.stdout) heard += String(part);
    expect(heard).toMatch(/^HTTP\/1\.1 200 OK[\s\S]*"primaryIP":"10\.0\.0\.1"/);
    expect(await ended).toEqual([0, null]);
  });

  it('wants the path of a socket', async () => {
    await using session = await aSession({ machineCount: 0 });
    const wrong = await session.run('fd-forward', 'fleet.sock');
    expect([wrong.status, wrong.err]).toEqual([2, expect.stringContaining('not the path')]);
    const missing = await session.run('fd-forward', '/nonexistent/f.sock');
    expect([missing.status, missing.err]).toEqual([1, expect.stringContaining('nobody listens')]);
  });
});
