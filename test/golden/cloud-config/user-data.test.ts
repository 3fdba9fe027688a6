import { expect, it } from 'vitest';
import { type Role, roles, userData } from '../../../src/fleetctl/cloud-config/user-data.ts';
import { aSession } from '../../builders/fleetctl-session.ts';

const folder = '../../../cloud-config';

/** What the files of the folder cloud-config/ have where a person has values of his own. */
function example(role: Role): string {
  const isJoining = role === 'member' || role === 'proxy';
  return userData({
    role,
    etcdServers: isJoining ? ['http://10.0.0.11:2379'] : [],
    settings: null,
    metadata: new Map([['region', 'eu']]),
    sshKeys: [],
    package: { kind: 'url', url: 'https://packages.example.com/flotilla.deb' },
    isExample: true,
  });
}

it.each(roles)('cloud-config/%s.yaml is what fleetctl prints for example values', async (role) => {
  await expect(example(role)).toMatchFileSnapshot(`${folder}/${role}.yaml`);
});

const key = `ssh-ed25519 ${'A'.repeat(68)} ann@example.com`;

it('is as recorded for a cluster, whatever is asked', async () => {
  await using session = await aSession({ machineCount: 1 });
  session.file('id.pub', `# ann\n${key}\n`);
  const url = 'https://packages.example.com/flotilla_1_amd64.deb?a=b;c';
  const texts = [
    await session.transcript('cloud-config'),
    await session.transcript(
      ...['cloud-config', '--role', 'member', '--package', `${url}.deb`, '--metadata', 'region=eu'],
      ...['--metadata', 'rack=2 left', 'disk=ssd', '--ssh-key', `${session.server.folder}/id.pub`],
    ),
    await session.transcript(
      ...['cloud-config', '--etcd', 'https://etcd.example.com:2379/', 'https://[fd00::2]:2379'],
      ...['--package', '/opt/flotilla.deb'],
    ),
    await session.transcript('cloud-config', '--role', 'single-node'),
  ];
  await expect(texts.join('\n')).toMatchFileSnapshot('./expected/for-a-cluster.txt');
});

it('is as recorded for mistakes, and then prints no user-data at all', async () => {
  await using session = await aSession({ machineCount: 1 });
  const at = (name: string, text: string): string => session.file(name, text);
  at('folder/inside', '');
  const mistakes = [
    ['--metadata', 'region=eu,disk=ssd'],
    ['--metadata', 'region="eu"'],
    ['--metadata', "region='eu"],
    ['--metadata', 'region=eu\nmetadata=x'],
    ['--metadata', 'region'],
    ['--metadata', 'region='],
    ['--metadata', 'a b=c'],
    ['--metadata', 'a=1', '--metadata', 'a=2'],
    ['--etcd', '10.0.0.11:2379'],
    ['--etcd', 'http://10.0.0.11:2379/v3'],
    ['--etcd', 'http://a:2379,http://b:2379'],
    ['--etcd', 'http://a:99999'],
    ['--role', 'first-node', '--etcd', 'http://10.0.0.11:2379'],
    ['--role', 'worker'],
    ['--role', 'member', '--etcd', 'https://10.0.0.11:2379'],
    ['--ssh-key', 'FOLDER/missing.pub'],
    ['--ssh-key', 'FOLDER/folder'],
    ['--ssh-key', at('id', '-----BEGIN OPENSSH PRIVATE KEY-----\n')],
    ['--ssh-key', at('notes', 'no key\n')],
    ['--ssh-key', at('empty', '\n')],
    ['--ssh-key', at('large', 'x'.repeat(70_000))],
    ['--package', 'flotilla.deb'],
    ['--package', 'ftp://host/flotilla.deb'],
    ['--package', '/opt/flotilla.tar'],
    ['--package', '/opt/my flotilla.deb'],
    ['worker.yaml'],
  ];
  const texts: string[] = [];
  for (const words of mistakes) {
    const typed = words.map((word) => word.replace('FOLDER', session.server.folder));
    const outcome = await session.run('cloud-config', ...typed);
    expect([outcome.out, outcome.status > 0]).toEqual(['', true]);
    texts.push(await session.transcript('cloud-config', ...typed));
  }
  await expect(texts.join('\n')).toMatchFileSnapshot('./expected/mistakes.txt');
});

it('says so when others cannot reach the etcd of the cluster', async () => {
  await using session = await aSession({ machineCount: 1 });
  const clientUrls = ['http://127.0.0.1:2379', 'http://localhost:2379'];
  session.members.splice(0, 3, { name: 'only', clientUrls, isLearner: false });
  const { status, out, err } = await session.run('cloud-config');
  expect([status, out]).toEqual([1, '']);
  expect(err).toContain("cannot reach this cluster's etcd: it is at http://127.0.0.1:2379, http");
  expect((await session.run('cloud-config', '--etcd', 'http://10.0.0.1:2379')).status).toBe(0);
});
