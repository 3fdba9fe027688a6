import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createNotifier } from '../../../src/daemon/notify.ts';
import { CapturedLog } from '../../builders/captured-log.ts';

let folder = '';
const log = new CapturedLog();

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'flotilla-notify-'));
  // What is said, and by whose child: the shell's, as long as it is the same shell.
  const script = `#!/bin/sh\necho "$PPID $*" >> ${folder}/said\n`;
  writeFileSync(join(folder, 'systemd-notify'), script);
  chmodSync(join(folder, 'systemd-notify'), 0o755);
  vi.stubEnv('PATH', `${folder}:${process.env['PATH']}`);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

function said(): readonly (readonly string[])[] {
  const path = join(folder, 'said');
  if (!existsSync(path)) return [];
  return readFileSync(path, 'utf8')
    .trim()
    .split('\n')
    .map((line) => line.split(' '));
}

/** As the kernel has it; empty: there is no such process. */
function stateOf(pid: string): string {
  const path = `/proc/${pid}/status`;
  return existsSync(path) ? (/^State:\s+(\S)/m.exec(readFileSync(path, 'utf8'))?.[1] ?? '') : '';
}

const words = (): readonly (string | undefined)[] => said().map(([, word]) => word);

test('what systemd is told goes through one messenger, in order', async () => {
  const environment = { NOTIFY_SOCKET: '/run/any', WATCHDOG_USEC: '20000' };
  const notifier = createNotifier(environment, log);
  notifier.ready();
  notifier.startWatchdog();
  await vi.waitFor(() => expect(words()).toContain('WATCHDOG=1'));
  notifier.stopping();
  notifier.stop();
  await vi.waitFor(() => expect(words().at(-1)).toBe('STOPPING=1'));
  expect(words().slice(0, 2)).toEqual(['STATUS=working', 'READY=1']);
  expect(new Set(said().map(([parent]) => parent)).size).toBe(1);
  expect(log.lines).toEqual([]);
});

test('a messenger that was killed is told of, and replaced', async () => {
  const notifier = createNotifier({ NOTIFY_SOCKET: '/run/any' }, log);
  notifier.ready();
  await vi.waitFor(() => expect(words()).toContain('READY=1'));
  const [first = ''] = said()[0] ?? [];
  process.kill(Number(first), 'SIGKILL');
  await vi.waitFor(() => expect(log.messages()).toEqual(['systemd was not notified']));
  notifier.stopping();
  await vi.waitFor(() => expect(words().at(-1)).toBe('STOPPING=1'));
  expect(said().at(-1)?.[0]).not.toBe(first);
  notifier.stop();
});

test('nobody is told where systemd did not start the daemon', () => {
  const notifier = createNotifier({ WATCHDOG_USEC: '20000' }, log);
  notifier.ready();
  notifier.startWatchdog();
  notifier.stop();
  expect(said()).toEqual([]);
});

test('a daemon that has nothing else to do ends all the same, and its messenger with it', () => {
  const path = new URL('../../../src/daemon/notify.ts', import.meta.url).pathname;
  const script = `
    import { createNotifier } from ${JSON.stringify(path)};
    createNotifier({ NOTIFY_SOCKET: '/run/any' }, console).ready();`;
  const args = ['--input-type=module-typescript', '-e', script];
  const { status } = spawnSync(process.execPath, args, { timeout: 30_000 });
  expect(status).toBe(0);
  return vi.waitFor(() => {
    expect(words()).toEqual(['STATUS=working', 'READY=1']);
    expect(stateOf(said()[0]?.[0] ?? '')).toMatch(/^$|Z/); // where nobody reaps it, it stays a zombie
  });
});
