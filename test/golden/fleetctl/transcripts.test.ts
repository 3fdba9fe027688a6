import { describe, expect, it } from 'vitest';
import { commands } from '../../../src/fleetctl/commands.ts';
import { flotillaVersion } from '../../../src/lib/version.ts';
import { aSession, runCommand, type Session } from '../../builders/fleetctl-session.ts';

const web = '[Unit]\nDescription=A web server\n\n[Service]\nExecStart=/bin/sleep 1d\n';
const apart = '\n[X-Fleet]\nConflicts=web@*.service\n';

function golden(name: string): string {
  return `./expected/${name}.txt`;
}

async function script(session: Session, ...lines: string[]): Promise<string> {
  const texts: string[] = [];
  for (const line of lines) {
    const args = line.split(' ').map((word) => word.replace('FOLDER', session.server.folder));
    texts.push(await session.transcript(...args));
    await session.cluster.settled();
  }
  return texts.join('\n');
}

describe('what fleetctl prints', () => {
  it('is as recorded for the life of a unit', async () => {
    await using session = await aSession({ machineCount: 3 });
    session.file('web.service', web);
    const text = await script(
      session,
      'submit FOLDER/web.service',
      'submit FOLDER/web.service',
      'load web.service',
      'start web',
      'start --wait web.service',
      'list-units',
      'list-unit-files',
      'list-unit-files --fields unit,desc',
      'list-unit-files -o json',
      'list-units -o json',
      'cat web.service',
      'stop web.service',
      'unload web.service',
      'stop web.service',
      'start --no-block web.service',
      'destroy web.service',
      'list-unit-files',
      'list-units',
    );
    await expect(text).toMatchFileSnapshot(golden('life'));
  });

  it('is as recorded for instances that conflict on too few machines', async () => {
    await using session = await aSession({ machineCount: 3 });
    session.file('web@.service', web + apart);
    const text = await script(
      session,
      'submit FOLDER/web@.service',
      'start web@1.service',
      'start web@2.service',
      'start web@3.service',
      'start web@4.service',
      'list-units --full',
      'list-unit-files',
      'stop web@4.service',
      'start web@.service',
      'destroy web@1.service web@2.service web@3.service web@4.service',
    );
    await expect(text).toMatchFileSnapshot(golden('conflicts'));
  });

  it('is as recorded for a global unit and for machines', async () => {
    await using session = await aSession({ machineCount: 3 });
    session.file('agent.service', `${web}\n[X-Fleet]\nGlobal=true\n`);
    const text = await script(
      session,
      'start FOLDER/agent.service',
      'list-units --no-legend',
      'list-unit-files --fields unit,global,dstate,state,target',
      'stop agent.service',
      'list-unit-files',
      'list-machines',
      'list-machines --full --no-legend --fields ip,machine',
      'list-machines -o json',
      'list-units -o json --full',
    );
    await expect(text).toMatchFileSnapshot(golden('global-and-machines'));
  });

  it('is as recorded for everything that can be wrong with a unit', async () => {
    await using session = await aSession({ machineCount: 1 });
    session.file('good.service', web);
    session.file('syntax.service', '[Service]\nExecStart /bin/true\n[Unit\n');
    session.file('combination.service', `${web}\n[X-Fleet]\nGlobal=true\nMachineOf=a.service\n`);
    session.file('typo.service', `${web}\n[X-Fleet]\nConflict=a.service\n`);
    session.file('garbage.service', new Uint8Array(1024 * 1024).fill(0x5a));
    session.file('binary.service', new Uint8Array([0x5b, 0xff, 0xfe, 0x00]));
    session.file('empty.service', '# nothing\n');
    session.file('folder.service/inside', '');
    const text = await script(
      session,
      'start FOLDER/good.service FOLDER/syntax.service FOLDER/combination.service',
      'submit FOLDER/typo.service',
      'submit FOLDER/garbage.service',
      'submit FOLDER/binary.service',
      'submit FOLDER/empty.service',
      'submit FOLDER/folder.service',
      'submit FOLDER/missing.service',
      'start missing@1.service',
      'start bad/na%me.service',
      'start poweroff.target',
      'submit x.snapshot',
      'stop missing.service typo.service',
      'cat missing.service',
      'destroy missing.service',
      'list-unit-files --no-legend --fields unit',
    );
    await expect(text).toMatchFileSnapshot(golden('bad-units'));
  });

  it('is as recorded for a file that differs from what is stored', async () => {
    await using session = await aSession({ machineCount: 1 });
    session.file('web.service', web);
    session.file('web@.service', web);
    const first = await script(session, 'start FOLDER/web.service', 'submit FOLDER/web@.service');
    session.file('web.service', web.replace('1d', '2d'));
    session.file('web@.service', web.replace('1d', '3d'));
    const second = await script(
      session,
      'start FOLDER/web.service',
      'submit --replace FOLDER/web.service',
      'start --replace FOLDER/web.service',
      'cat web.service',
      'start FOLDER/web@1.service',
    );
    session.file('web.service', new Uint8Array([0]));
    const third = await script(
      session,
      'start FOLDER/web.service',
      'start --replace FOLDER/web.service',
    );
    await expect(`${first}\n${second}\n${third}`).toMatchFileSnapshot(golden('replace'));
  });

  it('is as recorded for instances whose template differs here, there, or both', async () => {
    await using session = await aSession({ machineCount: 1 });
    session.file('web@.service', web);
    const first = await script(
      session,
      'submit FOLDER/web@.service',
      'start FOLDER/web@1.service',
      'verify FOLDER/web@1.service',
    );
    session.file('web@.service', web.replace('1d', '2d'));
    const second = await script(
      session,
      'start FOLDER/web@1.service',
      'submit FOLDER/web@.service',
      'submit --replace FOLDER/web@.service',
      'start FOLDER/web@1.service',
      'start --replace FOLDER/web@1.service',
      'start FOLDER/web@1.service',
      'cat web@1.service',
    );
    await expect(`${first}\n${second}`).toMatchFileSnapshot(golden('replace-instances'));
  });

  it('is as recorded for a comparison with local files', async () => {
    await using session = await aSession({ machineCount: 1 });
    session.file('web.service', web);
    session.file('db.service', web);
    const first = await script(
      session,
      'verify FOLDER/web.service',
      'submit FOLDER/web.service FOLDER/db.service',
      'verify FOLDER/web.service FOLDER/db',
    );
    session.file('db.service', `# a comment\n${web}`);
    session.file(
      'web.service',
      web.replace('1d', '2d').replace('[Unit]\n', '[Unit]\nAfter=a.target\n'),
    );
    const second = await script(
      session,
      'verify FOLDER/web.service FOLDER/db.service',
      'verify web.service',
    );
    session.file('web.service', `[Service]\nExecStart /bin/true\n`);
    const third = await script(session, 'verify FOLDER/web.service');
    await expect(`${first}\n${second}\n${third}`).toMatchFileSnapshot(golden('verify'));
  });

  it('is as recorded for a restart', async () => {
    await using session = await aSession({ machineCount: 2 });
    session.file('web@.service', web);
    session.file('agent.service', `${web}\n[X-Fleet]\nGlobal=true\n`);
    const text = await script(
      session,
      'submit FOLDER/web@.service',
      'start web@1.service FOLDER/agent.service',
      'restart web@1.service',
      'restart --wait web@1',
      'restart --no-block web@1.service agent.service',
      'stop web@1.service',
      'restart web@1.service',
      'restart web@.service',
      'restart missing.service web@1.service',
      'restart',
    );
    await expect(text).toMatchFileSnapshot(golden('restart'));
  });

  it('is as recorded for units that do not start', async () => {
    await using session = await aSession({
      machineCount: 2,
      fates: {
        'broken.service': { problem: 'Unit broken.service failed: exit-code 203/EXEC' },
        'crash.service': { active: 'failed', sub: 'failed' },
        'once.service': { active: 'inactive', sub: 'dead' },
        'stuck.service': { isStuck: true },
        'clinging.service': { isClinging: true },
      },
    });
    for (const name of ['broken', 'crash', 'once', 'stuck', 'clinging']) {
      session.file(`${name}.service`, web);
    }
    const text = await script(
      session,
      'start FOLDER/broken.service',
      'start FOLDER/crash.service',
      'start --wait FOLDER/crash.service',
      'start --wait FOLDER/once.service',
      'start --timeout 300ms FOLDER/stuck.service',
      'start --block-attempts 1 FOLDER/stuck.service',
      'start FOLDER/clinging.service',
      'unload --timeout 300ms clinging.service',
      'destroy --timeout 300ms clinging.service broken.service',
      'destroy --no-block stuck.service',
    );
    await expect(text).toMatchFileSnapshot(golden('bad-starts'));
  });

  it('is as recorded for a cluster without a leader', async () => {
    await using session = await aSession({ machineCount: 0, isIdle: true });
    session.file('web.service', web);
    const text = await script(session, 'start --timeout 200ms FOLDER/web.service');
    await expect(text).toMatchFileSnapshot(golden('no-leader'));
  });

  it('is as recorded for mistakes on the command line', async () => {
    await using session = await aSession({ machineCount: 1 });
    const text = await script(
      session,
      'frobnicate',
      'strat web.service',
      'start',
      'start --wiat web.service',
      'start --timeout soon web.service',
      'start --block-attempts many web.service',
      'version now',
      'list-units --fields unit,colour',
      'list-machines -o yaml',
      '--tunnel host:port list-units',
      '--ssh-timeout soon list-units',
      '--strict-host-key-checking=perhaps list-units',
      '--cert-file /tmp/cert.pem list-units',
      '--driver etcd list-units',
      '--driver carrier-pigeon list-units',
      '--endpoint ftp://host list-units',
      '--endpoint https://host:49153/path list-units',
      '--endpoint unix://relative list-units',
      '--request-timeout never list-units',
      'completion',
      'completion csh',
      'restart --block-attempts x web.service',
      'verify --replace web.service',
      '--experimental-api list-machines --no-legend',
      'help frobnicate',
    );
    const nothing = await runCommand([]);
    await expect(`${text}\n$ fleetctl\nstderr:\n${nothing.err}`).toMatchFileSnapshot(
      golden('mistakes'),
    );
  });

  it('is as recorded for its version, for completion and for the far end of a tunnel', async () => {
    await using session = await aSession({ machineCount: 1 });
    const text = await script(
      session,
      'version',
      '--version',
      'completion bash',
      'completion zsh',
      'completion fish',
      'fd-forward FOLDER/none.sock',
      'fd-forward FOLDER/a FOLDER/b',
      'fd-forward',
    );
    const anyVersion = text.replaceAll(flotillaVersion, 'VERSION');
    await expect(anyVersion).toMatchFileSnapshot(golden('programs'));
  });

  it('is as recorded for help', async () => {
    const texts: string[] = [];
    for (const args of [['help'], ...commands.map(({ name }) => ['help', name])]) {
      const { status, out, err } = await runCommand(args);
      expect({ status, err }).toEqual({ status: 0, err: '' });
      texts.push(`$ fleetctl ${args.join(' ')}\n${out}`);
      if (args.length === 2) {
        expect((await runCommand([args[1] ?? '', '--help'])).out).toBe(out);
      }
    }
    await expect(texts.join('\n')).toMatchFileSnapshot(golden('help'));
  });
});
