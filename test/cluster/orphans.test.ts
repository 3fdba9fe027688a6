import { describe, expect, it } from 'vitest';
import { bootMachine, killMachine } from '../../src/lab/power.ts';
import { run } from '../../src/lab/run.ts';
import { invocations, patience, placed, sleeper, withFleet } from './with-fleet.ts';

const fleet = withFleet({ machineCount: 2 });
const prefix = '/_coreos.com/fleet/';

/** Deletes keys as a tired operator would, past every rule. */
async function forget(...keys: readonly string[]): Promise<void> {
  const { ETCDCTL_ENDPOINTS: endpoints } = await fleet.lab.environment();
  for (const key of keys) {
    const command = ['env', 'ETCDCTL_API=3', `ETCDCTL_ENDPOINTS=${endpoints}`, 'etcdctl', 'del'];
    const ran = await run([...command, `${prefix}${key}`]);
    expect(ran.stdout.trim(), key).toBe('1');
  }
}

async function idOf(machine: string): Promise<string> {
  return (await fleet.lab.machine(machine)).id;
}

async function noteOf(unit: string): Promise<string> {
  const listed = await fleet.did('list-units', '--no-legend', '--fields', 'unit,note');
  return listed.split('\n').find((line) => line.startsWith(`${unit}\t`)) ?? '';
}

/** Starts a unit, then lets the store forget all it knows of it. */
async function anOrphan(unit: string): Promise<{ readonly path: string; readonly on: string }> {
  const path = fleet.file(unit, sleeper());
  await fleet.did('start', '--wait', path);
  const [on = ''] = await fleet.placesOf(unit);
  await forget(`units/${unit}`, `placement/${unit}`, `work/${await idOf(on)}/${unit}`);
  await expect.poll(() => noteOf(unit), patience).toBe(`${unit}\torphan`);
  return { path, on };
}

describe('a unit that the store knows nothing of', () => {
  it('runs on, is shown, and is adopted without a restart when it is started again', async () => {
    const before = await anOrphan('stray.service');
    const running = invocations(await fleet.running());
    const listed = await fleet.fleetctl(['list-units']);
    expect(listed.stderr).toContain('1 unit runs without an order: stray.service on ');
    expect((await fleet.fleetctl(['destroy', 'stray.service'])).status).toBe(1);
    const json = await fleet.did('status', '-o', 'json', 'stray.service');
    expect(JSON.parse(json)).toMatchObject([{ machines: [{ active: 'active', orphan: true }] }]);
    expect(await fleet.did('start', '--wait', before.path)).toContain('stray.service active on ');
    await expect.poll(() => noteOf('stray.service'), patience).toBe('stray.service\t-');
    expect(invocations(await fleet.running())).toEqual(running);
    await fleet.did('destroy', 'stray.service');
    expect(await fleet.running()).toEqual([]);
  });

  it('runs on through a restart of fleetd, and ends by an explicit order', async () => {
    const { on } = await anOrphan('stray.service');
    const running = invocations(await fleet.running());
    await fleet.script(on, 'systemctl restart fleet');
    await expect.poll(() => noteOf('stray.service'), patience).toBe('stray.service\torphan');
    expect(invocations(await fleet.running())).toEqual(running);
    const said = await fleet.did('destroy', '--orphan', 'stray.service');
    expect(said).toMatch(/^Destroyed orphan stray\.service on /);
    expect(await fleet.running()).toEqual([]);
    expect(await fleet.script(on, 'ls /run/fleet/units /run/fleet/receipts')).not.toContain(
      'stray',
    );
    const traces = (): Promise<readonly string[]> =>
      fleet.keys().then((keys) => keys.filter((key) => key.includes('stray')));
    await expect.poll(traces, patience).toEqual([]);
  });

  it('goes on as it was when only its record is lost and it is submitted again', async () => {
    const path = fleet.file('lost.service', sleeper());
    await fleet.did('start', '--wait', path);
    const running = invocations(await fleet.running());
    await forget('units/lost.service');
    await fleet.did('start', '--wait', path);
    expect(invocations(await fleet.running())).toEqual(running);
    await fleet.did('destroy', 'lost.service');
  });
});

describe('units that a machine starts together', () => {
  it('are all on disk before the first start, and sidekicks start after their hosts', async () => {
    // By name the sidekick comes first, and each looks for the file of the other.
    const seen = (unit: string): string => `ExecStartPre=/usr/bin/test -e /run/fleet/units/${unit}`;
    const side = ['[Unit]', 'BindsTo=b-host.service', 'After=b-host.service', ''].join('\n');
    const pin = `MachineID=${await idOf('m2')}`;
    const slow = ['ExecStartPre=/usr/bin/sleep 1', seen('a-side.service')].join('\n');
    const hostText = placed(pin).replace('[Service]', `[Service]\n${slow}`);
    const sideText = placed('MachineOf=b-host.service').replace(
      '[Service]',
      `${side}\n[Service]\n${seen('b-host.service')}`,
    );
    const paths = [fleet.file('a-side.service', sideText), fleet.file('b-host.service', hostText)];
    await fleet.did('start', '--wait', ...paths);
    await killMachine(fleet.lab.context, 'm2');
    await bootMachine(fleet.lab.context, 'm2');
    for (const unit of ['b-host.service', 'a-side.service']) {
      await expect.poll(() => fleet.placesOf(unit), patience).toEqual(['m2']);
    }
    const shown = await fleet.script(
      'm2',
      'systemctl show -P ActiveEnterTimestampMonotonic b-host.service a-side.service | grep .',
    );
    const [host = 0, sidekick = 0] = shown.trim().split('\n').map(Number);
    expect(host).toBeGreaterThan(0);
    expect(sidekick).toBeGreaterThanOrEqual(host);
    expect(await fleet.script('m2', 'systemctl show -P NRestarts a-side.service')).toBe('0\n');
    await fleet.did('destroy', 'a-side.service', 'b-host.service');
  });
});

describe('a unit that fails', () => {
  it('after its start job ended says why, in list-units as well', async () => {
    const late = "ExecStart=/bin/sh -c 'sleep 1; exit 3'";
    await fleet.did('start', fleet.file('late.service', `[Service]\n${late}\n`));
    await expect
      .poll(() => noteOf('late.service'), patience)
      .toBe('late.service\texit-code, status 3');
    await fleet.did('destroy', 'late.service');
  });

  it('to load names the setting, and one that cannot start counts the tries', async () => {
    const bad = fleet.file('bad.service', '[Service]\nExecStart=relative/path\n');
    const ran = await fleet.fleetctl(['start', '--timeout', '20s', bad]);
    expect(ran.status).toBe(1);
    expect(ran.stderr).toMatch(/bad-setting: .*relative\/path/);
    await fleet.did('destroy', 'bad.service');
    const never = fleet.file('never.service', '[Service]\nType=oneshot\nExecStart=/bin/false\n');
    expect((await fleet.fleetctl(['start', never])).status).toBe(1);
    await expect
      .poll(() => noteOf('never.service'), patience)
      .toMatch(/^never\.service\tstart job ended 'failed': .*; tried \d+ times$/);
    await fleet.did('destroy', 'never.service');
  });
});
