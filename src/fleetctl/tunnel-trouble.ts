import { FleetError } from '../lib/error.ts';
import { printable } from '../unitfile/problem.ts';
import { type Endpoint, endpointText } from './endpoint.ts';
import { destination } from './ssh.ts';
import type { SshHost } from './ssh-settings.ts';

/** How a tunnel ended that was still wanted. */
export interface TunnelEnd {
  readonly tunnel: SshHost;
  readonly endpoint: Endpoint;
  /** What ssh, or the far end, said on stderr. */
  readonly said: string;
  /** ssh's exit status: 255 when ssh itself failed, that of the far command otherwise. */
  readonly status: number | null;
}

/** What a tunnel's end means, in one message, and what to do about it. */
export function tunnelTrouble({ tunnel, endpoint, said, status }: TunnelEnd): FleetError {
  const host = tunnel.host;
  const lines = said.split(/\r?\n/).map((line) => printable(line.trim(), 300));
  const { message, hint } =
    status === null || status === 255
      ? explainSsh(tunnel, lines)
      : explainFarEnd(host, endpointText(endpoint), lines, status);
  return new FleetError(message, { code: 'api/unreachable', retry: 'soon', hint });
}

interface Explanation {
  readonly message: string;
  readonly hint: string;
}

/** What ssh says, and what to do; WHO is USER@HOST. The first that matches counts. */
const sshCauses: readonly (readonly [RegExp, string])[] = [
  [/spawn ssh ENOENT/, 'install OpenSSH (openssh-client)'],
  [
    /HOST IDENTIFICATION HAS CHANGED/,
    'if it was changed on purpose, take the old key out of your known hosts: ssh WHO tells where',
  ],
  [
    /Host key verification failed/,
    'connect once with ssh WHO and check its key, or use --strict-host-key-checking=false',
  ],
  [
    /Permission denied/,
    'load your key (ssh-add), or name it and the user in ~/.ssh/config; try: ssh WHO',
  ],
  [/Could not resolve/, 'check the name after --tunnel'],
  [
    /timed out|Timed out|No route to host|unreachable/,
    'is the machine on, and does a firewall let ssh through? --ssh-timeout waits longer',
  ],
  [/Connection refused/, 'does sshd run there, on that port? --tunnel HOST:PORT names another'],
];

function explainSsh(tunnel: SshHost, lines: readonly string[]): Explanation {
  const cause = sshCauses.find(([pattern]) => lines.some((line) => pattern.test(line)));
  const words = (cause && lines.find((line) => cause[0].test(line))) ?? lastOf(lines);
  const told = words.replace(/^(ssh|fleetctl): |^@ +| +@$/g, '') || 'ssh ended without a word';
  const hint = cause?.[1] ?? 'try it by itself: ssh WHO';
  return {
    message: `no connection by ssh to ${tunnel.host}: ${told}`,
    hint: hint.replace('WHO', destination(tunnel)),
  };
}

function explainFarEnd(
  host: string,
  endpoint: string,
  lines: readonly string[],
  status: number,
): Explanation {
  if (status === 127 || status === 126) {
    return {
      message: `there is no fleetctl on ${host}, which the tunnel needs there`,
      hint: `install it there, in the PATH that "ssh ${host} env" shows`,
    };
  }
  const index = lines.findIndex((line) => /^fleetctl: /.test(line));
  if (index === -1) {
    const words = lastOf(lines) || `it ended with ${status}`;
    return {
      message: `the tunnel through ${host} was closed: ${words}`,
      hint: `does ssh ${host} run a command without asking anything? Try: ssh ${host} true`,
    };
  }
  const message = `${host}: ${lines[index]?.replace(/^fleetctl: /, '')}`;
  return { message, hint: lines[index + 1] || `look there for ${endpoint}` };
}

function lastOf(lines: readonly string[]): string {
  return lines.findLast((line) => line !== '') ?? '';
}
