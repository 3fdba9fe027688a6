import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { aSession } from '../../builders/fleetctl-session.ts';

const main = ['src/fleetctl/main.ts'];

/** Runs the real program as a process. */
function runProgram(
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<{ readonly status: unknown; readonly out: string; readonly err: string }> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [...main, ...args],
      { env: { ...process.env, ...environment }, maxBuffer: 16 * 1024 * 1024 },
      (error, out, err) => resolve({ status: error?.code ?? 0, out, err }),
    );
  });
}

describe('the program', () => {
  it('reads arguments and environment and ends with the status of the command', async () => {
    await using session = await aSession({ machineCount: 1 });
    const environment = { FLEETCTL_ENDPOINT: `unix://${session.server.socketPath}` };
    const good = await runProgram(['list-machines', '--no-legend'], environment);
    expect(good).toEqual({ status: 0, out: '11111111...\t10.0.0.1\t-\n', err: '' });
    expect((await runProgram(['cat', 'a.service'], environment)).status).toBe(1);
    expect((await runProgram(['frobnicate'], environment)).status).toBe(2);
  });

  it('says all it has to say, also through a pipe that holds less', async () => {
    await using session = await aSession({ machineCount: 1 });
    const text = `[Service]\nExecStart=/bin/true\n${'# a long comment\n'.repeat(3000)}`;
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) {
      const path = session.file(`${name}.service`, text);
      expect((await session.run('submit', path)).status).toBe(0);
    }
    const environment = { FLEETCTL_ENDPOINT: `unix://${session.server.socketPath}` };
    const { status, out } = await runProgram(['list-unit-files', '-o', 'json'], environment);
    expect(status).toBe(0);
    expect(JSON.parse(out)).toHaveLength(6);
  });

  it('ends quietly with 0 when its reader has seen enough', async () => {
    await using session = await aSession({ machineCount: 1 });
    const text = `[Service]\nExecStart=/bin/true\n${'# a long comment\n'.repeat(3000)}`;
    const path = session.file('a.service', text);
    await session.run('submit', path);
    const environment = { FLEETCTL_ENDPOINT: `unix://${session.server.socketPath}` };
    const program = spawn(process.execPath, [...main, 'cat', 'a.service'], {
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    program.stdout.destroy();
    let err = '';
    program.stderr.on('data', (part) => {
      err += String(part);
    });
    const [status] = await once(program, 'close');
    expect({ status, err }).toEqual({ status: 0, err: '' });
  });
});
