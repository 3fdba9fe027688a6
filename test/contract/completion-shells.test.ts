import { execFile, execFileSync } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { aSession, type Session } from '../builders/fleetctl-session.ts';

const run = promisify(execFile);
const main = fileURLToPath(new URL('../../src/fleetctl/main.ts', import.meta.url));
const text = '[Service]\nExecStart=/bin/sleep 1d\n';

/** A cluster with some units, and `fleetctl` in a folder for $PATH that talks to it. */
async function setUp(): Promise<Session> {
  const session = await aSession({ machineCount: 1 });
  const { folder } = session.server;
  await session.run('submit', session.file('web.service', text), session.file('db@.service', text));
  await session.run('start', join(folder, 'db@1.service'));
  const program = join(folder, 'fleetctl');
  const endpoint = `unix://${session.server.socketPath}`;
  const line = `FLEETCTL_ENDPOINT='${endpoint}' exec '${process.execPath}' '${main}' "$@"`;
  writeFileSync(program, `#!/bin/sh\n${line}\n`);
  chmodSync(program, 0o755);
  return session;
}

function environmentOf(session: Session): NodeJS.ProcessEnv {
  return { ...process.env, PATH: `${session.server.folder}:${process.env['PATH']}` };
}

/** What stands in the line after a Tab, in a real bash on a terminal. */
async function afterTab(session: Session, typed: string): Promise<string> {
  const { folder } = session.server;
  const rc = session.file(
    'bashrc',
    [
      'source <(fleetctl completion bash)',
      "PS1=''; bind 'set enable-bracketed-paste off'; bind 'set bell-style none'",
      // Ctrl-X tells the line as it stands, and ends.
      `show() { printf '%s' "$READLINE_LINE" >'${folder}/line'; exit; }`,
      `bind -x '"\\C-x": show'`,
      `echo ready >'${folder}/ready'`,
    ].join('\n'),
  );
  // `script` gives bash a terminal; keys typed before it reads them wait there.
  const keys = session.file('keys', `${typed}\t\u0018`);
  const bash = `bash --noprofile --rcfile '${rc}' -i`;
  const wait = `until [ -e '${folder}/ready' ]; do sleep 0.05; done`;
  const feed = `(${wait}; cat '${keys}'; until [ -e '${folder}/line' ]; do sleep 0.05; done)`;
  const command = `cd '${folder}'; rm -f line ready; ${feed} | script -qec "${bash}" /dev/null`;
  await run('bash', ['-c', command], { env: environmentOf(session), timeout: 30_000 });
  return execFileSync('cat', [join(folder, 'line')], { encoding: 'utf8' });
}

describe('completion in a real bash', () => {
  it.each([
    ['a command', 'fleetctl rest', 'fleetctl restart '],
    ['a unit of the cluster', 'fleetctl stop we', 'fleetctl stop web.service '],
    ['a name with an @ in it', 'fleetctl cat db@1', 'fleetctl cat db@1.service '],
    ['a value after =', 'fleetctl list-units --output=j', 'fleetctl list-units --output=json '],
    ['a file', 'fleetctl start keys', 'fleetctl start keys '],
  ])('completes %s', async (_what, typed, line) => {
    await using session = await setUp();
    expect(await afterTab(session, typed)).toBe(line);
  });
});

describe('completion in a real fish', () => {
  it('completes commands and units', async () => {
    await using session = await setUp();
    const script = (typed: string): string =>
      `fleetctl completion fish | source; complete --do-complete='${typed}'`;
    const env = environmentOf(session);
    const commands = await run('fish', ['--no-config', '-c', script('fleetctl rest')], { env });
    expect(commands.stdout).toBe('restart\tstop units and start them again on their machines\n');
    const units = await run('fish', ['--no-config', '-c', script('fleetctl stop db')], { env });
    expect(units.stdout).toBe('db@.service\ndb@1.service\n');
  });
});

describe('completion in a real zsh', () => {
  it('is a script that zsh understands', async () => {
    await using session = await setUp();
    const script = 'fleetctl completion zsh > _fleetctl; zsh -n _fleetctl';
    const env = environmentOf(session);
    await run('zsh', ['-f', '-c', script], { env, cwd: session.server.folder });
  });
});
