import { execFileSync } from 'node:child_process';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { commands } from '../../../src/fleetctl/commands.ts';
import { completionScripts, shells } from '../../../src/fleetctl/completion/scripts.ts';
import { machineId } from '../../builders/fake-cluster.ts';
import { aSession, runCommand } from '../../builders/fleetctl-session.ts';

const text = '[Service]\nExecStart=/bin/sleep 1d\n';

/** The words that are suggested for the last of `typed`. */
async function words(
  typed: readonly string[],
  environment: Readonly<Record<string, string>> = { FLEETCTL_ENDPOINT: 'unix:///nonexistent' },
): Promise<readonly string[]> {
  const { status, out, err } = await runCommand(['__complete', '--', ...typed], environment);
  expect({ status, err }).toEqual({ status: 0, err: '' });
  return out.split('\n').flatMap((line) => (line === '' ? [] : (line.split('\t')[0] ?? [])));
}

describe('completion without a cluster', () => {
  it('knows every command that help lists, and no other', async () => {
    const shown = commands.filter(({ isHidden }) => isHidden !== true).map(({ name }) => name);
    expect(await words([''])).toEqual([...shown, 'help']);
    expect(await words([])).toEqual([...shown, 'help']);
    expect(await words(['help', 'list-m'])).toEqual(['list-machines']);
    const help = (await runCommand(['help'])).out;
    for (const name of shown) expect(help).toContain(`  ${name}`);
    expect(help).not.toContain('__complete');
  });

  it('knows the flags of every command, and those for all', async () => {
    for (const { name, flags } of commands) {
      const known = await words([name, '-']);
      for (const { usage } of flags) expect(known).toContain(/--[a-z-]+/.exec(usage)?.[0]);
      expect(known).toEqual(expect.arrayContaining(['--endpoint', '--help', '--debug']));
    }
    expect(await words(['--endp'])).toEqual(['--endpoint']);
    expect(await words(['start', '--', '--r'])).toEqual([':files']);
  });

  it('knows values that are few, alone or behind an equals sign', async () => {
    expect(await words(['list-units', '-o', ''])).toEqual(['table', 'json']);
    expect(await words(['list-units', '--output=j'])).toEqual(['--output=json']);
    expect(await words(['list-units', '--output', 'json', ''])).toEqual([]);
    expect(await words(['completion', 'z'])).toEqual(['zsh']);
  });

  it.each([
    ['a value that may be anything', ['start', '--timeout', '']],
    ['an unknown flag', ['start', '--bogus=']],
    ['an unknown command', ['frobnicate', '']],
    ['a command without operands', ['list-units', '']],
    ['a second operand where one is taken', ['cat', 'a.service', '']],
  ])('suggests nothing for %s', async (_what, typed) => {
    expect(await words(typed)).toEqual([]);
  });

  it('leaves names out without a word, and soon, whoever answers or does not', async () => {
    expect(await words(['stop', ''])).toEqual([]);
    expect(await words(['--endpoint', 'ftp://host', 'stop', ''])).toEqual([]);
    await using session = await aSession({ machineCount: 0 });
    const silent = createServer((socket) => socket.resume());
    const path = join(session.server.folder, 'silent.sock');
    await new Promise<void>((resolve) => silent.listen(path, resolve));
    const startMs = performance.now();
    expect(await words(['stop', ''], { FLEETCTL_ENDPOINT: `unix://${path}` })).toEqual([]);
    expect(performance.now() - startMs).toBeLessThan(10_000);
    await new Promise((resolve) => silent.close(resolve));
  });
});

describe('completion with a cluster', () => {
  it('knows its units and machines, by environment or as typed in the line', async () => {
    await using session = await aSession({ machineCount: 2 });
    await session.run(
      'start',
      session.file('web.service', text),
      session.file('db@.service', text),
    );
    await session.run(
      'submit',
      session.file('db@.service', text),
      session.file('web.service', text),
    );
    const endpoint = `unix://${session.server.socketPath}`;
    const environment = { FLEETCTL_ENDPOINT: endpoint };
    expect(await words(['stop', ''], environment)).toEqual(['db@.service', 'web.service']);
    expect(await words(['stop', 'web.service', 'd'], environment)).toEqual(['db@.service']);
    expect(await words(['--endpoint', endpoint, 'stop', 'w'])).toEqual(['web.service']);
    expect(await words([`--endpoint=${endpoint}`, 'stop', 'w'])).toEqual(['web.service']);
    expect(await words(['start', 'w'], environment)).toEqual(['web.service', ':files']);
  });

  it('knows machines where a placeholder says so', async () => {
    const { suggest } = await import('../../../src/fleetctl/completion/suggest.ts');
    const flags = [{ usage: '--machine <machine>', what: 'which' }];
    const definitions = {
      commands: [{ name: 'ssh', summary: '', operand: null, flags }],
      globalFlags: [],
    };
    expect(suggest(['ssh', '--machine', ''], definitions)).toMatchObject({ names: 'machines' });
    const glued = suggest(['ssh', `--machine=${machineId(1).slice(0, 3)}`], definitions);
    expect(glued).toMatchObject({ names: 'machines', prefix: '--machine=' });
  });
});

describe('the script for a shell', () => {
  it('is printed for those that are known', async () => {
    for (const shell of shells) {
      expect((await runCommand(['completion', shell])).out).toBe(completionScripts[shell]);
    }
    expect((await runCommand(['completion', 'csh'])).status).toBe(2);
  });

  it('is one that bash understands', () => {
    const options = { input: completionScripts.bash, encoding: 'utf8' } as const;
    expect(execFileSync('bash', ['-n'], options)).toBe('');
  });
});
