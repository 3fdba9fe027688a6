import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { freePort } from './etcd-server.ts';

const fleetd = fileURLToPath(new URL('../../bin/fleetd', import.meta.url));

let folder = '';
let child: ChildProcess | null = null;
let output = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'flotilla-fleetd-'));
  output = '';
});
afterEach(() => {
  child?.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

/** A fleetd that no etcd answers: it serves and waits, and touches nothing of this computer. */
async function start(
  lines: readonly string[],
  socketFlags: readonly string[] = [],
): Promise<ChildProcess> {
  const unusedPort = await freePort();
  const config = [`etcd_servers=http://127.0.0.1:${unusedPort}`, 'public_ip=10.0.0.1', ...lines];
  writeFileSync(join(folder, 'fleet.conf'), `${config.join('\n')}\n`);
  const command = [fleetd, '--config', join(folder, 'fleet.conf')];
  const environment = { PATH: process.env['PATH'], RUNTIME_DIRECTORY: folder };
  const passed = Object.entries({ ...environment, STATE_DIRECTORY: folder }).map(
    ([name, value]) => `--setenv=${name}=${value}`,
  );
  const [program = '', ...args] =
    socketFlags.length === 0
      ? command
      : ['systemd-socket-activate', ...socketFlags, ...passed, ...command];
  child = spawn(program, args, {
    env: { ...environment, STATE_DIRECTORY: folder },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (data: Buffer) => {
      output += data.toString();
    });
  }
  return child;
}

const says = (words: string): Promise<void> =>
  expect.poll(() => output, { timeout: 30_000 }).toContain(words);

function ask(where: { readonly socketPath: string } | { readonly port: number }): Promise<number> {
  return new Promise((resolve, reject) => {
    const options = { ...where, path: '/fleet/v1/discovery' };
    const asked = request(options, (answer) => {
      answer.resume();
      resolve(answer.statusCode ?? 0);
    });
    asked.once('error', reject);
    asked.end();
  });
}

test('serves every socket it is handed, and api_listen beside them if it is set', async () => {
  const [path, own] = [join(folder, 'handed.sock'), join(folder, 'own.sock')];
  const port = await freePort();
  await start(
    [`api_listen=unix://${own},unix://${path}`],
    [`--listen=${path}`, `--listen=127.0.0.1:${port}`, '--fdname=first:second'],
  );
  await says('Listening on');
  expect(await ask({ socketPath: path })).toBe(200);
  expect(await ask({ port })).toBe(200);
  expect(await ask({ socketPath: own })).toBe(200);
  expect(output).toContain('"sockets":["first","second"]');
  expect(output).toContain(`unix://${path}`);
});

test('is not stopped by the signals of operators, also while etcd is away', async () => {
  const path = join(folder, 'own.sock');
  const running = await start([`api_listen=unix://${path}`]);
  await says('"message":"waiting for the store"');
  writeFileSync(join(folder, 'fleet.conf'), `api_listen=unix://${path}\nmetadata=a=b\n`);
  running.kill('SIGHUP');
  await says('"message":"read the configuration again"');
  expect(output).toContain('"changed":["public_ip","metadata"]');
  expect(output).toContain('"settings":["etcd_servers"]');
  running.kill('SIGUSR1');
  await says('"part":"waits"');
  expect(await ask({ socketPath: path })).toBe(200);
  expect(output).not.toContain('Debugger');
  const ended = new Promise((resolve) => running.once('exit', resolve));
  running.kill('SIGTERM');
  expect(await ended).toBe(0);
});
