import { execFile } from 'node:child_process';

const limits = { askMs: 2_000 } as const;

/**
 * Does systemd take this machine down? Where a user's systemd is driven, its end counts as that.
 * false when it does not say: whoever is on its way down without saying so is ended soon anyway.
 */
export function isShuttingDown(isUser: boolean): Promise<boolean> {
  const args = [...(isUser ? ['--user'] : []), 'is-system-running'];
  return new Promise((resolve) => {
    execFile('systemctl', args, { timeout: limits.askMs }, (_failed, stdout) => {
      resolve(stdout.trim() === 'stopping'); // its status says only that it is not `running`
    });
  });
}
