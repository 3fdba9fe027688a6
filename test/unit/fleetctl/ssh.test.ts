import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { guardRemoteCommand } from '../../../src/fleetctl/remote-command.ts';
import { shellLine } from '../../../src/fleetctl/shell-quote.ts';
import { sshArgv } from '../../../src/fleetctl/ssh.ts';
import { sshConfigText } from '../../../src/fleetctl/ssh-config.ts';
import { parseSshHost, readSshSettings } from '../../../src/fleetctl/ssh-settings.ts';
import { tunnelTrouble } from '../../../src/fleetctl/tunnel-trouble.ts';
import { noSshSettings } from '../../builders/fleetctl-session.ts';

describe('a line for the shell at the far end', () => {
  it('leaves plain words as they are', () => {
    const words = ['systemctl', 'status', '-l', 'web@1.service', '/var/run/fleet.sock'];
    expect(shellLine(words)).toBe(words.join(' '));
  });

  it('is read by a real shell as the words it was made of, whatever they are', () => {
    const word = fc
      .string({ unit: 'binary', maxLength: 20 })
      .map((text) => text.replaceAll('\0', ''));
    const odd = fc.constantFrom(
      '',
      "'",
      "''",
      '$HOME',
      '`id`',
      'a b',
      '\\',
      '!x',
      '*',
      '~',
      'a\nb',
    );
    const words = fc.array(fc.oneof(word, odd), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(words, (given) => {
        const line = shellLine(['printf', '%s\\0', ...given]);
        const said = execFileSync('/bin/sh', ['-c', line], { encoding: 'utf8' });
        expect(said.split('\0').slice(0, -1)).toEqual(given.map((text) => text.toWellFormed()));
      }),
      { numRuns: 60 },
    );
  });
});

describe('a host for ssh', () => {
  it.each([
    ['m1', null, 'm1', null],
    ['10.0.0.1:2222', null, '10.0.0.1', 2222],
    ['admin@bastion.example.com', 'admin', 'bastion.example.com', null],
    ['admin@bastion:22', 'admin', 'bastion', 22],
    ['fd00::1', null, 'fd00::1', null],
    ['core@fd00::1', 'core', 'fd00::1', null],
    ['[fd00::1]:22', null, 'fd00::1', 22],
  ])('is read from %s', (text, user, host, port) => {
    expect(parseSshHost(text)).toEqual({ user, host, port });
  });

  it.each([
    '',
    '-oProxyCommand=id',
    'host:port',
    'host:0',
    'host:65536',
    'a b',
    'a;b',
    'a"b',
    '*',
    'a,b',
    '@host',
    '-l@host',
    '[host]:22',
    'host\nProxyCommand id',
  ])('is not %j', (text) => expect(parseSshHost(text)).toBeNull());
});

describe('what is said about SSH', () => {
  const read = (key: string, text: string): unknown =>
    readSshSettings(new Map([[key, { text, from: '--flag' }]]), '/home/ann');

  it('is nothing unless something is said, so that ~/.ssh/config decides', () => {
    expect(readSshSettings(new Map(), '/home/ann')).toEqual(noSshSettings);
  });

  it.each([
    ['true', 'ask'],
    ['1', 'ask'],
    ['false', 'no'],
    ['yes', 'yes'],
    ['no', 'no'],
    ['accept-new', 'accept-new'],
  ])('means of host keys: %s is %s', (text, mode) => {
    expect(read('strictHostKeyChecking', text)).toMatchObject({ hostKeyChecking: mode });
  });

  it('expands ~ in a path, and only there', () => {
    expect(read('knownHostsFile', '~/keys')).toMatchObject({ knownHostsFile: '/home/ann/keys' });
    expect(read('knownHostsFile', '/x/~')).toMatchObject({ knownHostsFile: '/x/~' });
  });

  it.each([
    ['sshUsername', '-oProxyCommand=id'],
    ['sshUsername', 'a b'],
    ['sshUsername', 'a\nProxyCommand id'],
    ['sshTimeout', 'soon'],
    ['knownHostsFile', 'a"b'],
    ['knownHostsFile', 'a\nb'],
    ['strictHostKeyChecking', 'perhaps'],
    ['tunnel', '-oProxyCommand=id'],
  ])('is refused where it is none: %s %j', (key, text) => {
    expect(() => read(key, text)).toThrow('--flag');
  });
});

describe('the configuration of ssh', () => {
  it('gives our words to the target and the tunnel, and to no jump host of the user', () => {
    const settings = { ...noSshSettings, username: 'admin', knownHostsFile: '/a %b/keys' };
    const hosts = ['10.0.0.2', 'bastion'];
    const lines = sshConfigText({ hosts, settings, home: '/home/ann' }).split('\n');
    expect(lines.filter((line) => /^(Host|Match)/.test(line))).toEqual([
      'Host 10.0.0.2 bastion',
      'Match all',
      'Host 10.0.0.2 bastion',
    ]);
    expect(lines).toContain('UserKnownHostsFile "/a %%b/keys"');
    expect(lines.indexOf('User admin')).toBeLessThan(lines.indexOf('Include ~/.ssh/config'));
    expect(lines.indexOf('User core')).toBeGreaterThan(lines.indexOf('Include ~/.ssh/config'));
  });
});

describe('the words that run ssh', () => {
  const target = { user: null, host: '10.0.0.2', port: 2022 };
  it('end ssh its own flags before the host, and keep the command one word', () => {
    expect(sshArgv('/c', { target, flags: ['-T'], command: 'ls -l' }, null)).toEqual([
      'ssh',
      '-F',
      '/c',
      '-T',
      '-p',
      '2022',
      '--',
      '10.0.0.2',
      'ls -l',
    ]);
  });

  it('go through the tunnel where there is one', () => {
    const jump = { user: 'ann', host: 'fd00::1', port: 22 };
    expect(sshArgv('/c', { target, flags: [], command: null }, jump).slice(3, 5)).toEqual([
      '-J',
      'ann@[fd00::1]:22',
    ]);
  });
});

describe('the command of fleetctl ssh', () => {
  const takesValue = (flag: string): boolean =>
    ['--tunnel', '--machine', '--unit', '--ssh-port', '--strict-host-key-checking'].includes(flag);
  it.each([
    ['ssh m ls -l', 'ssh m -- ls -l'],
    ['ssh -A m ls -l', 'ssh -A m -- ls -l'],
    ['ssh m -A ls -l', 'ssh m -A -- ls -l'],
    ['--tunnel t ssh m --ssh-port 1 ls -l', '--tunnel t ssh m --ssh-port 1 -- ls -l'],
    ['ssh --machine m ls -l', 'ssh --machine m -- ls -l'],
    ['ssh --unit=u ls -l', 'ssh --unit=u -- ls -l'],
    ['ssh m -- ls -l', 'ssh m -- ls -l'],
    ['ssh m ls -- -l', 'ssh m -- ls -- -l'],
    ['--strict-host-key-checking ssh m ls -l', '--strict-host-key-checking ssh m -- ls -l'],
    ['ssh m', 'ssh m'],
    ['ssh', 'ssh'],
    ['journal ssh --lines 3', 'journal ssh --lines 3'],
    ['', ''],
  ])('of "%s" is its own: "%s"', (typed, read) => {
    const args = typed === '' ? [] : typed.split(' ');
    expect(guardRemoteCommand(args, takesValue).join(' ')).toBe(read);
  });
});

describe('a tunnel that did not open', () => {
  const tunnel = { user: null, host: 'bastion', port: null };
  const endpoint = { kind: 'unix', path: '/run/f.sock' } as const;
  it.each([
    ['spawn ssh ENOENT', null, 'ENOENT', 'openssh-client'],
    ['core@bastion: Permission denied (publickey).\n', 255, 'publickey', 'ssh-add'],
    ['Banner\nssh: connect to host b port 22: No route to host\r\n', 255, 'No route', 'firewall'],
    ['ssh: connect to host b port 22: Connection refused\r\n', 255, 'refused', 'sshd'],
    ['Timed out after 10 s', null, 'after 10 s', '--ssh-timeout'],
    ['No key is known\r\nHost key verification failed.\r\n', 255, 'Host key', 'ssh bastion'],
    ['@  REMOTE HOST IDENTIFICATION HAS CHANGED!  @\nHost key verif', 255, 'CHANGED', 'old key'],
    ['ssh: Could not resolve hostname bastion: x\r\n', 255, 'resolve', 'name'],
    ['', 255, 'without a word', 'ssh bastion'],
    ['sh: 1: exec: fleetctl: not found\n', 127, 'no fleetctl on bastion', 'install'],
    ['fleetctl: nobody listens at unix:///run/f.sock\nstart it\n', 1, 'nobody listens', 'start it'],
    ['This account is not available.\n', 1, 'not available', 'ssh bastion true'],
  ])('because of %j (%s) says so and what to do', (said, status, words, hint) => {
    const trouble = tunnelTrouble({ tunnel, endpoint, said, status });
    expect(trouble.message).toContain('bastion');
    expect(trouble.message).toContain(words);
    expect(trouble.message).not.toContain('\n');
    expect(trouble.trouble.hint).toContain(hint);
  });
});
