// npm test: everything, in the order in which a fault is cheapest to find.
// Its last line is the sum of what ran: `N passed, N failed, N skipped`.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

interface Tally {
  passed: number;
  failed: number;
  skipped: number;
}

const scratch = mkdtempSync(join(tmpdir(), 'flotilla-test-'));
const total: Tally = { passed: 0, failed: 0, skipped: 0 };
let interrupted = false;

/** Ctrl-C reaches the children too: wait for them to clean up, then say what ran. */
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    interrupted = true;
  });
}

function say(text: string): void {
  process.stderr.write(`\n== ${text}\n`);
}

function run(command: string, args: readonly string[]): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit'] });
    child.on('error', () => resolve(false));
    child.on('exit', (status) => resolve(status === 0));
  });
}

async function check(title: string, command: string, args: readonly string[]): Promise<void> {
  if (interrupted) return;
  say(title);
  if (await run(command, args)) total.passed += 1;
  else total.failed += 1;
}

async function suite(project: string, title: string): Promise<void> {
  if (interrupted) return;
  say(title);
  const report = join(scratch, `${project}.json`);
  const succeeded = await run('vitest', [
    'run',
    ...['--project', project],
    ...['--reporter', 'default', '--reporter', 'json', '--outputFile.json', report],
  ]);
  const counts = countsIn(report);
  total.passed += counts.passed;
  total.skipped += counts.skipped;
  // A suite that broke outside a test (a hook, an unhandled error) counts as one failure at least.
  total.failed += succeeded || interrupted ? counts.failed : Math.max(counts.failed, 1);
}

function countsIn(report: string): Tally {
  try {
    const counts: unknown = JSON.parse(readFileSync(report, 'utf8'));
    return {
      passed: numberAt(counts, 'numPassedTests'),
      failed: numberAt(counts, 'numFailedTests'),
      skipped: numberAt(counts, 'numPendingTests') + numberAt(counts, 'numTodoTests'),
    };
  } catch (error) {
    if (interrupted) return { passed: 0, failed: 0, skipped: 0 };
    process.stderr.write(`no report of this suite: ${String(error)}\n`);
    return { passed: 0, failed: 1, skipped: 0 };
  }
}

function numberAt(value: unknown, key: string): number {
  const found = typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined;
  return typeof found === 'number' ? found : 0;
}

// What fleetlab needs, then what only tests do.
const testPackages = [
  ...['openssl', 'openssh-client', 'openssh-server', 'sudo'],
  ...['groff-base', 'zsh', 'fish', 'nftables', 'libfaketime', 'cloud-init'],
  ...['dbus-user-session', 'libpam-systemd'], // a user's systemd
];
for (const names of [[], testPackages]) {
  const packages = spawnSync('scripts/packages.sh', names, {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (packages.status !== 0) process.exit(packages.status ?? 1);
}
await check('format and lint', 'biome', ['check']);
await check('types', 'tsc', []);
await suite('pure', 'pure tests');
await suite('contract', 'contracts: memory store, real etcd, systemd-analyze');
await suite('cluster', 'clusters of real machines');
rmSync(scratch, { recursive: true, force: true });
if (interrupted) process.stderr.write('\ninterrupted: not everything ran\n');
process.stdout.write(
  `\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped\n`,
);
process.exitCode = interrupted ? 130 : total.failed > 0 ? 1 : 0;
