import { fileURLToPath } from 'node:url';
import type { TestLab } from './with-lab.ts';

/** Installs packages that tests need on this computer. */
export const packagesPath = fileURLToPath(new URL('../../scripts/packages.sh', import.meta.url));

const folder = '/etc/test-ssh';

/**
 * Starts sshd in a machine of the lab, with a key of its own and a user `core` who may read the
 * journal. Whoever has the key may be core or root; nobody else gets in. Returns the host's key.
 */
export async function startSshd(lab: TestLab, machine: string, allowed: string): Promise<string> {
  const config = [
    `HostKey ${folder}/host`,
    `AuthorizedKeysFile ${folder}/keys`,
    'PasswordAuthentication no',
    'PidFile none',
  ];
  await script(lab, machine, [
    `mkdir -p /run/sshd ${folder}`,
    `ssh-keygen -q -t ed25519 -N '' -f ${folder}/host`,
    `echo '${allowed}' > ${folder}/keys`,
    `printf '%s\\n' ${config.map((line) => `'${line}'`).join(' ')} > ${folder}/config`,
    "useradd --create-home --password '*' --groups systemd-journal --shell /bin/bash core",
    `systemd-run --quiet --unit test-sshd /usr/sbin/sshd -D -e -f ${folder}/config`,
    'until bash -c "exec 3<>/dev/tcp/127.0.0.1/22" 2>/dev/null; do sleep 0.1; done',
  ]);
  return (await script(lab, machine, [`cut -d' ' -f1,2 ${folder}/host.pub`])).trim();
}

/** Runs lines of shell in a machine; they must succeed. */
export async function script(
  lab: TestLab,
  machine: string,
  lines: readonly string[],
): Promise<string> {
  const ran = await lab.exec(machine, ['sh', '-ec', lines.join('\n')]);
  if (ran.status !== 0) throw new Error(`${machine}: ${ran.status}: ${ran.stderr}`);
  return ran.stdout;
}
