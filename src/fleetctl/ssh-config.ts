import { join } from 'node:path';
import { type SshSettings, sshTimeoutMsDefault } from './ssh-settings.ts';

/** What one run of ssh is to know. */
export interface SshConfigInput {
  /** The hosts that our settings are about: the one to be reached, and the tunnel. */
  readonly hosts: readonly string[];
  readonly settings: SshSettings;
  /** The folder that holds `.fleetctl`. */
  readonly home: string;
}

/**
 * The configuration that ssh is run with. In ssh the first value wins, so the order is the rule:
 * what was asked for on our command line, what the user's and the system's own configuration say,
 * and only then what fleet takes when nobody says anything. Other hosts, such as a jump host of the
 * user's, are theirs alone.
 */
export function sshConfigText({ hosts, settings, home }: SshConfigInput): string {
  const { username, timeoutMs, hostKeyChecking, knownHostsFile } = settings;
  const ours = `Host ${[...new Set(hosts)].join(' ')}`;
  const asked = [
    ...(username === null ? [] : [`User ${username}`]),
    ...(timeoutMs === null ? [] : [`ConnectTimeout ${secondsOf(timeoutMs)}`]),
    ...(hostKeyChecking === null ? [] : [`StrictHostKeyChecking ${hostKeyChecking}`]),
    ...(knownHostsFile === null ? [] : [`UserKnownHostsFile ${quotedPath(knownHostsFile)}`]),
  ];
  const known = [quotedPath(fleetctlKnownHosts(home)), '~/.ssh/known_hosts', '~/.ssh/known_hosts2'];
  const otherwise = [
    'User core',
    `ConnectTimeout ${secondsOf(sshTimeoutMsDefault)}`,
    `UserKnownHostsFile ${known.join(' ')}`,
  ];
  const lines = [
    ...(asked.length === 0 ? [] : [ours, ...asked]),
    'Match all',
    'Include ~/.ssh/config',
    'Include /etc/ssh/ssh_config',
    ours,
    ...otherwise,
  ];
  return `${lines.join('\n')}\n`;
}

/** Where keys of hosts are kept that fleetctl was the first to meet, as in fleet 1.0. */
export function fleetctlKnownHosts(home: string): string {
  return join(home, '.fleetctl', 'known_hosts');
}

/** ssh counts in whole seconds. */
function secondsOf(ms: number): number {
  return Math.max(1, Math.ceil(ms / 1000));
}

/** ssh expands `%` in paths. */
function quotedPath(path: string): string {
  return `"${path.replaceAll('%', '%%')}"`;
}
