import { describe, expect, it } from 'vitest';
import { machineId } from '../../builders/fake-cluster.ts';
import { aSession, type Session } from '../../builders/fleetctl-session.ts';

const web = '[Service]\nExecStart=/bin/sleep 1d\n';

/** An ssh that tells how it was called, with the configuration it was given, and ends with 3. */
const tellingSsh = 'shift; config=$1; shift; echo "ssh $*"; sed "s/^/  /" "$config"; exit 3';

/** The same without the configuration. */
const briefSsh = 'shift 2; echo "ssh $*"';

async function aRemoteSession(): Promise<Session> {
  const session = await aSession({ machineCount: 3 });
  session.file('web.service', web);
  session.file('stored.service', web);
  session.file('web@.service', web);
  session.file('agent.service', `${web}[X-Fleet]\nGlobal=true\n`);
  session.file('apart@.service', `${web}[X-Fleet]\nConflicts=apart@*.service\n`);
  session.program('ssh', briefSsh);
  session.program('systemctl', 'echo "here: systemctl $*"');
  session.program('sudo', 'echo "here: sudo $*"');
  session.program('journalctl', 'echo "here: journalctl $*"; echo "and a complaint" >&2; exit 4');
  const path = (name: string): string => `${session.server.folder}/${name}.service`;
  await session.run('start', path('web'), path('agent'));
  await session.run('submit', path('stored'), path('web@'));
  for (const name of ['apart@1', 'apart@2', 'apart@3', 'apart@4']) {
    await session.run('start', '--no-block', path(name));
    await session.cluster.settled();
  }
  return session;
}

async function script(session: Session, ...lines: string[]): Promise<string> {
  const texts: string[] = [];
  for (const line of lines) {
    const words = line.match(/'[^']*'|\S+/g) ?? [];
    texts.push(await session.transcript(...words.map((word) => word.replace(/^'(.*)'$/, '$1'))));
  }
  return texts.join('\n');
}

/** Several machines speak at once: which line comes first is the computer's to say. */
function inAnyOrder(transcript: string): string {
  const [typed = '', ...lines] = transcript.trimEnd().split('\n');
  return [typed, ...lines.slice(0, -1).sort(), lines.at(-1), ''].join('\n');
}

describe('what fleetctl runs on machines', () => {
  it('is as recorded for status', async () => {
    await using session = await aRemoteSession();
    const text = await script(
      session,
      'status web.service',
      'status web agent',
      'status --machine 2222 agent',
      'status --machine 2222 web',
      'status --ssh-port 2022 web',
      'status apart@4 stored web@ web',
      'status missing.service web',
      'status --ssh-port 0 web',
      'status -o yaml web',
      'status -o json web apart@4 agent',
    );
    await expect(text).toMatchFileSnapshot('./expected/status.txt');
  });

  it('is as recorded for journal', async () => {
    await using session = await aRemoteSession();
    const text = await script(
      session,
      'journal web',
      'journal --lines 100 -f --output cat web.service',
      'journal --sudo --lines all web',
      'journal agent',
      'journal --machine 3333 agent',
      'journal stored',
      'journal --lines -1 web',
      'journal --output;reboot web',
      'journal web agent',
    );
    await expect(text).toMatchFileSnapshot('./expected/journal.txt');
    const followed = await session.transcript('journal', '-f', 'agent');
    await expect(inAnyOrder(followed)).toMatchFileSnapshot('./expected/journal-follow.txt');
  });

  it('is as recorded for ssh', async () => {
    await using session = await aRemoteSession();
    session.file('1.service', web);
    await session.run('start', `${session.server.folder}/1.service`);
    const text = await script(
      session,
      'ssh 1111',
      'ssh 11111111...',
      'ssh web',
      'ssh web uptime',
      "ssh web ls -l --full=true '/tmp/a b' | wc -l",
      'ssh web --ssh-port 2022 uptime -p',
      'ssh -A --unit web uptime --pretty -- --more',
      'ssh --machine 2222 uptime -p',
      'ssh --machine 2222',
      'ssh agent hostname',
      'ssh agent',
      'ssh',
      'ssh 1',
      'ssh 9999',
      'ssh --machine 9999',
      'ssh --unit missing',
      'ssh --unit web --machine 2222',
      'ssh stored',
    );
    await expect(text).toMatchFileSnapshot('./expected/ssh.txt');
  });

  it('is run with what was asked for before ~/.ssh/config, and what fleet takes after it', async () => {
    await using session = await aRemoteSession();
    session.program('ssh', tellingSsh);
    const text = await script(
      session,
      'status web',
      '--ssh-username admin --ssh-timeout 2.5 --strict-host-key-checking status web',
      '--strict-host-key-checking=false --known-hosts-file ~/keys status web',
      '--strict-host-key-checking=accept-new ssh web true',
    );
    await expect(text).toMatchFileSnapshot('./expected/ssh-config.txt');
  });

  it('is run directly when the machine is this one', async () => {
    await using session = await aRemoteSession();
    session.beAt(machineId(1));
    const text = await script(
      session,
      'status web',
      'status agent',
      'journal web',
      'journal --sudo web',
      'ssh web hostname',
    );
    await expect(text).toMatchFileSnapshot('./expected/this-machine.txt');
  });

  it('is told to be missing, or out of reach', async () => {
    await using session = await aRemoteSession();
    session.program(
      'ssh',
      'echo "ssh: connect to host $5 port 22: No route to host" >&2; exit 255',
    );
    const failed = await script(session, 'status web');
    await expect(failed).toMatchFileSnapshot('./expected/out-of-reach.txt');
  });
});
