import type { CloudConfig } from './cloud-config.ts';
import { locatedText } from './decode-users.ts';
import { cloudinitLimits } from './limits.ts';
import { errorAt, noteAt, type Problem, topOfFile } from './problem.ts';
import type { Metadata } from './sources.ts';

/**
 * A config with what the metadata of its machine says. The config wins where both name the machine;
 * keys of both open the account.
 */
export function withMetadata(
  config: CloudConfig,
  { hostname, sshKeys }: Metadata,
): { readonly config: CloudConfig; readonly problems: readonly Problem[] } {
  const problems: Problem[] = [];
  const own = config.hostname;
  if (hostname !== null && own !== null && own.text !== hostname) {
    problems.push(noteAt(own, `hostname: the metadata says ${hostname}; ${own.text} is taken`));
  }
  const isName = hostname === null || /^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/.test(hostname);
  if (!isName || (hostname?.length ?? 0) > cloudinitLimits.hostnameLengthMax) {
    problems.push(errorAt(topOfFile, 'the hostname of the metadata is none; correct it there'));
  }
  if (sshKeys.some((key) => /\p{Cc}/u.test(key) || !/\s/.test(key))) {
    problems.push(errorAt(topOfFile, 'a public key of the metadata is none; correct it there'));
  }
  const keys = sshKeys.map((key) => locatedText(topOfFile, key));
  return {
    config: {
      ...config,
      hostname: own ?? (hostname === null ? null : locatedText(topOfFile, hostname)),
      sshAuthorizedKeys: [...config.sshAuthorizedKeys, ...keys],
    },
    problems,
  };
}
