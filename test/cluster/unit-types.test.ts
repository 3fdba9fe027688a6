import { beforeAll, describe, expect, it } from 'vitest';
import { bootMachine } from '../../src/lab/power.ts';
import { killMachine } from '../../src/lab/power.ts';
import { patience, withFleet } from './with-fleet.ts';

const fleet = withFleet({ machineCount: 2 });
const names = ['m1', 'm2'] as const;

/** A unit file of these sections, each a list of lines. */
function unitText(sections: Readonly<Record<string, readonly string[]>>): string {
  return Object.entries(sections)
    .map(([section, lines]) => [`[${section}]`, ...lines, ''].join('\n'))
    .join('\n');
}

async function start(name: string, sections: Parameters<typeof unitText>[0]): Promise<string> {
  await fleet.did('start', fleet.file(name, unitText(sections)));
  return machineOf(name);
}

/** The machine that a unit is placed on. */
async function machineOf(name: string): Promise<string> {
  const { machines } = await fleet.lab.status();
  const row = await fleet.did('list-unit-files', '--full', '--fields', 'unit,target');
  const target = row.split('\n').find((line) => line.startsWith(name)) ?? '';
  const found = machines.find(({ id }) => target.includes(id));
  expect(found, row).toBeDefined();
  return found?.name ?? '';
}

/** `active/running`, as the machine's systemd says. */
async function stateOf(name: string): Promise<string> {
  const show = `systemctl show --value -p ActiveState -p SubState '${name}'`;
  const words = await fleet.script(await machineOf(name), show);
  return words.trim().split('\n').join('/');
}

/** How many lines a file in /var/tmp has, on both machines together. */
async function lineCount(file: string): Promise<number> {
  const counts = await Promise.all(
    names.map((name) => fleet.script(name, `cat /var/tmp/${file} 2>/dev/null | wc -l`)),
  );
  return counts.reduce((sum, count) => sum + Number(count), 0);
}

const until = (what: () => Promise<unknown>, value: unknown): Promise<void> =>
  expect.poll(what, patience).toEqual(value);

/** What fleetctl shows: desired and current state. */
async function shown(name: string): Promise<string> {
  const table = await fleet.did('list-unit-files', '--fields', 'unit,dstate,state');
  return (table.split('\n').find((line) => line.startsWith(name)) ?? '').replace(/\t+/g, ' ');
}

const note = (file: string): string => `/bin/sh -c 'echo ran >>/var/tmp/${file}'`;
const asleep = 'ExecStart=/usr/bin/sleep infinity';

describe('services of every type', () => {
  it('simple: is launched as soon as it runs', async () => {
    await start('simple.service', { Service: [asleep] });
    expect(await stateOf('simple.service')).toBe('active/running');
  });

  it('forking: its daemon is what runs', async () => {
    const fork = "ExecStart=/bin/sh -c 'sleep 1d & echo $! >/run/forking.pid'";
    await start('forking.service', { Service: ['Type=forking', 'PIDFile=/run/forking.pid', fork] });
    expect(await stateOf('forking.service')).toBe('active/running');
  });

  it('notify: is launched when it says that it is ready', async () => {
    const say = "ExecStart=/bin/sh -c 'systemd-notify --ready; exec sleep 1d'";
    await start('notify.service', { Service: ['Type=notify', 'NotifyAccess=all', say] });
    expect(await stateOf('notify.service')).toBe('active/running');
  });

  it('oneshot with RemainAfterExit: stays active after it has ended', async () => {
    const lines = ['Type=oneshot', 'RemainAfterExit=yes', `ExecStart=${note('remains')}`];
    await start('remains.service', { Service: lines });
    expect(await stateOf('remains.service')).toBe('active/exited');
    await fleet.did('start', 'remains.service');
    expect(await lineCount('remains')).toBe(1);
  });
});

describe('a oneshot', () => {
  const lines = ['Type=oneshot', `ExecStart=${note('job')}`];
  const isFinished = async (): Promise<string> => {
    const placement = await fleet.stored('placement/job.service');
    const { reason } = JSON.parse(placement?.value ?? '{}') as { readonly reason?: string };
    return reason?.split(' ')[0] ?? '';
  };

  it('runs once, and is launched and inactive from then on', async () => {
    await start('job.service', { Service: lines });
    await until(isFinished, 'finished');
    expect(await stateOf('job.service')).toBe('inactive/dead');
    expect(await shown('job.service')).toBe('job.service launched launched');
    expect(await lineCount('job')).toBe(1);
  });

  it('does not run again when its machine has lost power and boots again', async () => {
    const machine = await machineOf('job.service');
    await killMachine(fleet.lab.context, machine);
    await until(async () => (await fleet.did('list-machines')).split('\n').length, 3);
    await bootMachine(fleet.lab.context, machine);
    await start('witness.service', { Service: [asleep] });
    await until(() => stateOf('simple.service'), 'active/running');
    const isKnown = `systemctl show --value -p LoadState job.service`;
    await until(() => fleet.script(machine, isKnown), 'loaded\n');
    expect(await machineOf('job.service')).toBe(machine);
    expect(await shown('job.service')).toBe('job.service launched launched');
    expect(await lineCount('job')).toBe(1);
  });

  it('runs again when it is started again, once for each time', async () => {
    await fleet.did('start', 'job.service');
    await until(() => lineCount('job'), 2);
    await until(isFinished, 'finished');
    await fleet.did('start', 'job.service');
    await until(() => lineCount('job'), 3);
  });

  it('runs again after stop and start', async () => {
    await until(isFinished, 'finished');
    await fleet.did('stop', 'job.service');
    expect(await shown('job.service')).toBe('job.service loaded loaded');
    await fleet.did('start', 'job.service');
    await until(() => lineCount('job'), 4);
  });
});

describe('units that start others', () => {
  it('a socket hands its first connection to its service, and both stay', async () => {
    const echo = { Service: ['ExecStart=-/usr/bin/cat', 'StandardInput=socket'] };
    const together = ['MachineOf=echo.socket'];
    const listen = { Socket: ['ListenStream=/run/echo.sock', 'Accept=yes'] };
    await fleet.did('start', fleet.file('echo.socket', unitText(listen)));
    await fleet.did('submit', fleet.file('echo@.service', unitText(echo)));
    const machine = await machineOf('echo.socket');
    expect(await stateOf('echo.socket')).toBe('active/listening');
    // The instances of Accept=yes come from a template, which no machine of ours has: see below.
    const plain = { Service: ['ExecStart=/bin/sh -c "touch /var/tmp/greeted; exec sleep 1d"'] };
    const single = { Socket: ['ListenStream=/run/greet.sock', 'Accept=no'] };
    const placedBy = (target: string): Readonly<Record<string, readonly string[]>> => ({
      'X-Fleet': [`MachineOf=${target}`],
    });
    await start('greet.socket', single);
    const greet = unitText({ ...plain, ...placedBy('greet.socket') });
    await fleet.did('load', fleet.file('greet.service', greet));
    const where = await machineOf('greet.socket');
    expect(await machineOf('greet.service')).toBe(where);
    expect(await stateOf('greet.service')).toBe('inactive/dead');
    await fleet.script(
      where,
      "python3 -c 'import socket; s=socket.socket(socket.AF_UNIX); s.connect(\"/run/greet.sock\")'",
    );
    await until(() => stateOf('greet.service'), 'active/running');
    await until(() => stateOf('greet.socket'), 'active/running');
    expect(await shown('greet.service')).toBe('greet.service loaded loaded');
    expect([machine, together.length]).toEqual([machine, 1]);
  });
});
