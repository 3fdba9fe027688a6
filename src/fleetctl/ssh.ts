import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Here, homeOf } from './here.ts';
import { fleetctlKnownHosts, sshConfigText } from './ssh-config.ts';
import type { SshHost, SshSettings } from './ssh-settings.ts';

/** One run of OpenSSH. */
export interface SshCall {
  readonly target: SshHost;
  /** Flags of ssh itself: `-t`, `-A`. */
  readonly flags: readonly string[];
  /** A line for the shell there; null: a shell to type in. */
  readonly command: string | null;
}

/** The words to run and what must stay on disk while they do. */
export interface PreparedSsh {
  readonly argv: readonly string[];
  [Symbol.dispose](): void;
}

/** Writes the configuration of one run of ssh; a target that is not the tunnel is behind it. */
export function prepareSsh(
  settings: SshSettings,
  call: SshCall,
  environment: Here['environment'],
): PreparedSsh {
  const home = homeOf(environment);
  const { tunnel } = settings;
  const hosts = [call.target, ...(tunnel === null ? [] : [tunnel])].map(({ host }) => host);
  if (settings.knownHostsFile === null) makeFolder(dirname(fleetctlKnownHosts(home)));
  const folder = mkdtempSync(join(environment['TMPDIR'] || '/tmp', 'fleetctl-'));
  const config = join(folder, 'ssh_config');
  writeFileSync(config, sshConfigText({ hosts, settings, home }), { mode: 0o600 });
  return {
    argv: sshArgv(config, call, tunnel === call.target ? null : tunnel),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** The words that run ssh with that configuration, through `jump` where there is one. */
export function sshArgv(config: string, call: SshCall, jump: SshHost | null): readonly string[] {
  const { target, flags, command } = call;
  return [
    'ssh',
    '-F',
    config,
    ...flags,
    ...(jump === null ? [] : ['-J', jumpText(jump)]),
    ...(target.port === null ? [] : ['-p', String(target.port)]),
    '--', // or ssh would look for flags of its own in the command
    destination(target),
    ...(command === null ? [] : [command]),
  ];
}

/** `core@10.0.0.1`, as ssh names who is to be reached. */
export function destination({ user, host }: SshHost): string {
  return user === null ? host : `${user}@${host}`;
}

function jumpText(jump: SshHost): string {
  const host = jump.host.includes(':') ? `[${jump.host}]` : jump.host;
  return destination({ ...jump, host }) + (jump.port === null ? '' : `:${jump.port}`);
}

function makeFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch {
    return; // ssh itself says that it cannot note a new host, and goes on
  }
}
