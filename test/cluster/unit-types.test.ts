import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { bootMachine, killMachine } from '../../src/lab/power.ts';
import { patience, withFleet } from './with-fleet.ts';

const fleet = withFleet({ machineCount: 2 });

/** A unit file: each section with its lines. */
function file(name: string, sections: Readonly<Record<string, readonly string[]>>): string {
  const text = Object.entries(sections).map(([title, lines]) => [`[${title}]`, ...lines, '']);
  return fleet.file(name, text.flat().join('\n'));
}

/** Starts a unit and returns its machine's name. */
async function start(name: string, sections: Parameters<typeof file>[1]): Promise<string> {
  await fleet.did('start', file(name, sections));
  return machineOf(name);
}

/** The machine that a unit is placed on. */
async function machineOf(name: string): Promise<string> {
  const { machines } = await fleet.lab.status();
  const placement = JSON.parse((await fleet.stored(`placement/${name}`))?.value ?? '{}') as {
    readonly machine?: string;
  };
  return machines.find(({ id }) => id === placement.machine)?.name ?? '';
}

/** `active/running`, as the machine's systemd says. */
async function stateOf(name: string): Promise<string> {
  const show = `systemctl show --value -p ActiveState -p SubState '${name}'`;
  return (await fleet.script(await machineOf(name), show)).trim().replace('\n', '/');
}

/** `launched loaded`: what fleetctl shows as desired and as current state. */
async function shown(name: string): Promise<string> {
  const table = await fleet.did('list-unit-files', '--fields', 'unit,dstate,state');
  const row = table.split('\n').find((line) => line.startsWith(name)) ?? '';
  return row.split(/\t+/).slice(1).join(' ');
}

/** How many lines a file in /var/tmp has, on both machines together. */
async function lineCount(log: string): Promise<number> {
  const count = `cat /var/tmp/${log} 2>/dev/null | wc -l`;
  const counts = await Promise.all(['m1', 'm2'].map((machine) => fleet.script(machine, count)));
  return counts.reduce((sum, text) => sum + Number(text), 0);
}

async function until<T>(look: () => Promise<T>, value: T): Promise<void> {
  await expect.poll(look, patience).toEqual(value);
}

const note = (log: string): string => `/bin/sh -c 'echo ran >>/var/tmp/${log}'`;
const asleep = 'ExecStart=/usr/bin/sleep infinity';
const noteAndSleep = (log: string): string =>
  `ExecStart=/bin/sh -c 'echo ran >>/var/tmp/${log}; exec sleep infinity'`;

describe('a service', () => {
  it('of type simple runs as soon as it is launched', async () => {
    await start('simple.service', { Service: [asleep] });
    expect(await stateOf('simple.service')).toBe('active/running');
  });

  it('of type forking is its daemon', async () => {
    const fork = "ExecStart=/bin/sh -c 'sleep 1d & echo $! >/run/forking.pid'";
    await start('forking.service', { Service: ['Type=forking', 'PIDFile=/run/forking.pid', fork] });
    expect(await stateOf('forking.service')).toBe('active/running');
  });

  it('of type notify is launched when it says that it is ready', async () => {
    const say = "ExecStart=/bin/sh -c 'systemd-notify --ready; exec sleep 1d'";
    await start('notify.service', { Service: ['Type=notify', 'NotifyAccess=all', say] });
    expect(await stateOf('notify.service')).toBe('active/running');
  });

  it('of type oneshot with RemainAfterExit= stays active and is not run again', async () => {
    const lines = ['Type=oneshot', 'RemainAfterExit=yes', `ExecStart=${note('remains')}`];
    await start('remains.service', { Service: lines });
    await fleet.did('start', 'remains.service');
    expect(await stateOf('remains.service')).toBe('active/exited');
    expect(await lineCount('remains')).toBe(1);
  });
});

describe('a oneshot', () => {
  const isFinished = async (): Promise<boolean> => {
    const placement = await fleet.stored('placement/job.service');
    return placement?.value.includes('"finishedRun"') ?? false;
  };

  it('that has finished is launched and inactive', async () => {
    await start('job.service', { Service: ['Type=oneshot', `ExecStart=${note('job')}`] });
    await until(isFinished, true);
    expect(await stateOf('job.service')).toBe('inactive/dead');
    expect(await shown('job.service')).toBe('launched launched');
    expect(await lineCount('job')).toBe(1);
  });

  it('that has finished does not run again when its machine loses power and boots', async () => {
    const machine = await machineOf('job.service');
    const machineCount = async (): Promise<number> =>
      (await fleet.did('list-machines', '--no-legend')).trim().split('\n').length;
    await killMachine(fleet.lab.context, machine);
    await until(machineCount, 1);
    await bootMachine(fleet.lab.context, machine);
    const load = 'systemctl show --value -p LoadState job.service';
    await until(async () => (await fleet.script(machine, load)).trim(), 'loaded');
    // The agent works by name: what comes after `job` is there, so `job` was dealt with.
    await fleet.did('start', file('later.service', { Service: [asleep] }));
    expect(await machineOf('job.service')).toBe(machine);
    await until(() => shown('job.service'), 'launched launched');
    expect(await stateOf('job.service')).toBe('inactive/dead');
    expect(await lineCount('job')).toBe(1);
  });

  it('that has finished runs once more each time it is started', async () => {
    for (const count of [2, 3]) {
      await until(isFinished, true);
      await fleet.did('start', 'job.service');
      await until(() => lineCount('job'), count);
    }
  });

  it('runs again after stop and start', async () => {
    await until(isFinished, true);
    await fleet.did('stop', 'job.service');
    expect(await shown('job.service')).toBe('loaded loaded');
    await fleet.did('start', 'job.service');
    await until(() => lineCount('job'), 4);
  });
});

describe('units that start others', () => {
  /** Loads a trigger and its service on one machine, starts the trigger, and returns the machine. */
  async function pair(trigger: string, lines: readonly string[]): Promise<string> {
    const [name = '', type = ''] = trigger.split('.');
    const section = `${type.charAt(0).toUpperCase()}${type.slice(1)}`;
    const service = { Service: [noteAndSleep(name)], 'X-Fleet': [`MachineOf=${trigger}`] };
    await fleet.did('load', file(trigger, { [section]: lines }), file(`${name}.service`, service));
    await fleet.did('start', trigger);
    const machine = await machineOf(trigger);
    expect(await machineOf(`${name}.service`)).toBe(machine);
    return machine;
  }

  /** It was started by its trigger and not by us, and so it is only loaded: nobody stops it. */
  async function expectTriggered(name: string): Promise<void> {
    await until(() => stateOf(`${name}.service`), 'active/running');
    await fleet.did('start', file(`after-${name}.service`, { Service: [asleep] }));
    expect(await shown(`${name}.service`)).toBe('loaded loaded');
    expect(await stateOf(`${name}.service`)).toBe('active/running');
    expect(await lineCount(name)).toBe(1);
  }

  it('a socket starts its service when somebody connects', async () => {
    const machine = await pair('greet.socket', ['ListenStream=127.0.0.1:7777']);
    expect(await stateOf('greet.service')).toBe('inactive/dead');
    await fleet.script(machine, 'echo hello >/dev/tcp/127.0.0.1/7777');
    await expectTriggered('greet');
  });

  it('a timer starts its service when it elapses', async () => {
    await pair('tick.timer', ['OnActiveSec=1s', 'AccuracySec=100ms']);
    await expectTriggered('tick');
  });

  it('a path starts its service when the file is there', async () => {
    const machine = await pair('watch.path', ['PathExists=/var/tmp/watched']);
    expect(await stateOf('watch.service')).toBe('inactive/dead');
    await fleet.script(machine, 'touch /var/tmp/watched');
    await expectTriggered('watch');
  });

  it('what a trigger has started is stopped when it is destroyed', async () => {
    const machine = await machineOf('greet.service');
    await fleet.did('destroy', 'greet.socket', 'greet.service');
    const show = 'systemctl show --value -p LoadState greet.service greet.socket';
    const words = await fleet.script(machine, show);
    expect(words.trim().split(/\s+/)).toEqual(['not-found', 'not-found']);
  });
});

describe('other units', () => {
  it('a target is reached, with what it wants', async () => {
    await start('crew.target', { Unit: ['Description=all of us'] });
    expect(await stateOf('crew.target')).toBe('active/active');
  });

  it('a mount is mounted where its name says, and unmounted when it is stopped', async () => {
    const lines = ['What=tmpfs', 'Type=tmpfs', 'Where=/srv/ours'];
    const machine = await start('srv-ours.mount', { Mount: lines });
    expect(await fleet.script(machine, 'findmnt -n -o FSTYPE /srv/ours')).toBe('tmpfs\n');
    await fleet.did('stop', 'srv-ours.mount');
    expect(await fleet.script(machine, 'findmnt -n /srv/ours || true')).toBe('');
  });

  it('a slice holds the services that name it', async () => {
    const slice = file('ours.slice', { Slice: ['TasksMax=50'] });
    const sections = { Service: ['Slice=ours.slice', asleep], 'X-Fleet': ['MachineOf=ours.slice'] };
    await fleet.did('start', slice, file('sliced.service', sections));
    const machine = await machineOf('ours.slice');
    const show = 'systemctl show --value -p Slice sliced.service; systemctl show --value';
    const words = await fleet.script(machine, `${show} -p TasksMax ours.slice`);
    expect(words.trim().split('\n')).toEqual(['ours.slice', '50']);
    await fleet.did('destroy', 'sliced.service', 'ours.slice');
    expect(await fleet.script(machine, 'ls /run/fleet/units')).not.toContain('slice');
  });

  /** What cannot be started here says so in systemd's word, and nothing of it is left. */
  async function expectUnsupported(name: string, sections: Parameters<typeof file>[1]) {
    const ran = await fleet.fleetctl(['start', '--timeout', '10s', file(name, sections)]);
    expect(ran.status).toBe(1);
    expect(ran.stderr).toContain("start job ended 'unsupported'");
    await fleet.did('destroy', name);
  }

  it('an automount mounts at the first look, where the kernel has them', async () => {
    const automount = { Automount: ['Where=/srv/auto'] };
    if (!existsSync('/dev/autofs')) return expectUnsupported('srv-auto.automount', automount);
    const lines = ['What=tmpfs', 'Type=tmpfs', 'Where=/srv/auto'];
    const beside = { Mount: lines, 'X-Fleet': ['MachineOf=srv-auto.automount'] };
    await fleet.did('load', file('srv-auto.automount', automount), file('srv-auto.mount', beside));
    await fleet.did('start', 'srv-auto.automount');
    const machine = await machineOf('srv-auto.automount');
    const types = 'findmnt -n -o FSTYPE /srv/auto | tr "\\n" " "';
    expect(await stateOf('srv-auto.automount')).toBe('active/waiting');
    expect(await stateOf('srv-auto.mount')).toBe('inactive/dead');
    expect(await fleet.script(machine, types)).toBe('autofs ');
    await fleet.script(machine, 'ls /srv/auto');
    await until(() => stateOf('srv-auto.mount'), 'active/mounted');
    expect(await stateOf('srv-auto.automount')).toBe('active/running');
    await fleet.did('destroy', 'srv-auto.mount', 'srv-auto.automount');
    expect(await fleet.script(machine, types)).toBe('');
  });

  it('a swap, which containers cannot start, says so in words', async () => {
    const sections = { Swap: ['What=/var/tmp/swapfile'] };
    await expectUnsupported('var-tmp-swapfile.swap', sections);
  });
});

describe('[Install]', () => {
  const links = 'cd /run/systemd/system && find . -type l -not -name "*.conf" | sort';

  it('is carried out with the unit, at run time only, and taken back with it', async () => {
    const sections = {
      Service: [asleep],
      Install: [
        'WantedBy=multi-user.target',
        'Alias=pilot.service ssh.service',
        'Also=ssh.service',
      ],
    };
    await fleet.did('load', file('enabled.service', sections));
    const machine = await machineOf('enabled.service');
    const isEnabled = 'systemctl is-enabled enabled.service';
    await until(async () => (await fleet.script(machine, isEnabled)).trim(), 'enabled-runtime');
    const made = await fleet.script(machine, links);
    expect(made).toContain('./multi-user.target.wants/enabled.service\n');
    expect(made).toContain('./pilot.service\n');
    expect(made).not.toContain('ssh.service');
    const show = 'systemctl show --value -p Wants multi-user.target';
    expect(await fleet.script(machine, show)).toContain('enabled.service');
    await fleet.did('start', 'enabled.service');
    expect(await fleet.script(machine, 'systemctl is-active pilot.service')).toBe('active\n');
    await fleet.did('destroy', 'enabled.service');
    expect(await fleet.script(machine, `${links}; ls /run/fleet/*`)).not.toMatch(/enabled|pilot/);
    expect(await fleet.script(machine, show)).not.toContain('enabled.service');
  });

  it('of twenty units costs few reloads, and units without it none', async () => {
    const reloads = 'journalctl -q -u fleet -o cat | grep -c "asked systemd to reload" || true';
    const count = async (): Promise<number> =>
      Number(await fleet.script('m1', reloads)) + Number(await fleet.script('m2', reloads));
    const some = (name: string): readonly string[] =>
      Array.from({ length: 20 }, (_, index) => `${name}@${index}.service`);
    const before = await count();
    file('plain@.service', { Service: [asleep] });
    const plain = some('plain').map((name) => fleet.file(name, '[Service]\nExecStart=/bin/true\n'));
    await fleet.did('load', ...plain);
    expect((await count()) - before).toBe(0);
    const wanted = { Service: [asleep], Install: ['WantedBy=multi-user.target'] };
    await fleet.did('load', ...some('wanted').map((name) => file(name, wanted)));
    const wantsCount = 'ls /run/systemd/system/multi-user.target.wants | grep -c wanted || true';
    await until(async () => {
      return (
        Number(await fleet.script('m1', wantsCount)) + Number(await fleet.script('m2', wantsCount))
      );
    }, 20);
    expect((await count()) - before).toBeLessThan(20);
  });
});

describe('templates and instances', () => {
  it('an instance lives on when its template is destroyed or replaced', async () => {
    const old = { Unit: ['Description=old %i'], Service: [asleep] };
    const template = file('crew@.service', old);
    await fleet.did('submit', template);
    await fleet.did('start', 'crew@1.service');
    const before = (await fleet.running()).filter(({ unit }) => unit === 'crew@1.service');
    await fleet.did(
      'submit',
      '--replace',
      file('crew@.service', { ...old, Unit: ['Description=new %i'] }),
    );
    await fleet.did('start', 'crew@2.service');
    expect(await fleet.did('cat', 'crew@1.service')).toContain('old');
    expect(await fleet.did('cat', 'crew@2.service')).toContain('new');
    await fleet.did('destroy', 'crew@.service');
    await fleet.did('start', 'crew@1.service');
    const after = (await fleet.running()).filter(({ unit }) => unit === 'crew@1.service');
    expect(after).toEqual(before);
    const refused = await fleet.fleetctl(['start', 'crew@3.service']);
    expect(refused.stderr).toContain('nor a template crew@.service');
  });

  it('an instance with a file of its own takes that, and one beside it the template', async () => {
    file('mixed@.service', { Unit: ['Description=common'], Service: [asleep] });
    const own = file('mixed@own.service', { Unit: ['Description=own'], Service: [asleep] });
    await fleet.did('start', own, own.replace('@own', '@other'));
    expect(await fleet.did('cat', 'mixed@own.service')).toContain('Description=own');
    expect(await fleet.did('cat', 'mixed@other.service')).toContain('Description=common');
  });

  it("what an administrator lays beside a template's instances stays, and holds", async () => {
    const dropIn = '/run/systemd/system/dressed@.service.d';
    const write = `mkdir -p ${dropIn}; printf '[Service]\\nEnvironment=A=b\\n' >${dropIn}/a.conf`;
    for (const name of ['m1', 'm2']) await fleet.script(name, write);
    file('dressed@.service', { Service: [asleep] });
    const machine = await start('dressed@1.service', { Service: [asleep] });
    const show = 'systemctl show --value -p Environment dressed@1.service';
    expect(await fleet.script(machine, show)).toBe('A=b\n');
    await fleet.did('destroy', 'dressed@1.service');
    expect(await fleet.script(machine, `ls ${dropIn}`)).toBe('a.conf\n');
  });
});
