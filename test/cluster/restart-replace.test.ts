import { describe, expect, it } from 'vitest';
import { patience, withFleet } from './with-fleet.ts';

const fleet = withFleet({ machineCount: 2 });

/** Where a unit is active, and which start of it that is. */
async function runOf(unit: string): Promise<{ readonly machine: string; readonly id: string }> {
  const [machine = ''] = await expect
    .poll(() => fleet.placesOf(unit), patience)
    .toHaveLength(1)
    .then(() => fleet.placesOf(unit));
  const id = await fleet.script(machine, `systemctl show -P InvocationID ${unit}`);
  return { machine, id: id.trim() };
}

/** What a service runs, so that two texts of it can be told apart. */
function sleeping(duration: string): string {
  return `[Service]\nExecStart=/bin/sleep ${duration}\n`;
}

async function commandOf(unit: string): Promise<string> {
  const { machine } = await runOf(unit);
  return fleet.script(machine, `systemctl show -P ExecStart ${unit}`);
}

describe('restart', () => {
  it('is another start on the same machine, and start of what runs is none', async () => {
    await fleet.did('start', '--wait', fleet.file('again.service', sleeping('1d')));
    const before = await runOf('again.service');
    await fleet.did('start', 'again.service');
    expect(await runOf('again.service')).toEqual(before);
    expect(await fleet.did('restart', '--wait', 'again.service')).toContain('active on');
    const after = await runOf('again.service');
    expect(after.machine).toBe(before.machine);
    expect(after.id).not.toBe(before.id);
    await fleet.did('destroy', 'again.service');
  });

  it('and start try a failed unit again at once, also past the limit on starts', async () => {
    const script = "ExecStart=/bin/sh -c 'test -e /run/may-start && exec sleep 1d'";
    const limit = 'StartLimitIntervalSec=1h\nStartLimitBurst=2';
    const text = `[Unit]\n${limit}\n[Service]\n${script}\n`;
    const path = fleet.file('limited.service', text);
    for (const verb of ['start', 'start', 'restart', 'start']) {
      const argument = verb === 'start' ? path : 'limited.service';
      const ran = await fleet.fleetctl([verb, '--wait', argument]);
      expect(ran.status).toBe(1);
      expect(ran.stderr).toContain('limited.service failed on');
      expect(ran.stderr).not.toContain('start-limit');
    }
    for (const machine of ['m1', 'm2']) await fleet.script(machine, 'touch /run/may-start');
    expect(await fleet.did('start', '--wait', 'limited.service')).toContain('active on');
    await fleet.did('destroy', 'limited.service');
  });

  it('runs a finished oneshot once more', async () => {
    const append = "ExecStart=/bin/sh -c 'echo ran >>/run/once-log'";
    const path = fleet.file('once.service', `[Service]\nType=oneshot\n${append}\n`);
    expect(await fleet.did('start', '--wait', path)).toContain('finished on');
    expect(await fleet.did('restart', '--wait', 'once.service')).toContain('finished on');
    const logs = await Promise.all(
      ['m1', 'm2'].map((machine) => fleet.script(machine, 'cat /run/once-log || true')),
    );
    expect(logs.join('')).toBe('ran\nran\n');
    await fleet.did('destroy', 'once.service');
  });
});

describe('--replace', () => {
  it('puts another text in the place of a running one, on its machine', async () => {
    const path = fleet.file('swap.service', sleeping('1d'));
    await fleet.did('start', '--wait', path);
    const before = await runOf('swap.service');
    fleet.file('swap.service', sleeping('2d'));
    expect((await fleet.fleetctl(['start', path])).stderr).toContain('--replace stores it');
    expect(await runOf('swap.service')).toEqual(before);
    await fleet.did('start', '--wait', '--replace', path);
    expect(await commandOf('swap.service')).toContain('sleep 2d');
    expect((await runOf('swap.service')).machine).toBe(before.machine);
    await fleet.did('verify', path);
    await fleet.did('destroy', 'swap.service');
  });

  it('changes nothing when the new file is wrong, or would take the unit a step back', async () => {
    const path = fleet.file('firm.service', sleeping('1d'));
    await fleet.did('start', '--wait', path);
    const before = await runOf('firm.service');
    for (const wrong of ['[Service]\nExecStart /bin/true\n', '# nothing\n', '[Service\n']) {
      fleet.file('firm.service', wrong);
      expect((await fleet.fleetctl(['start', '--replace', path])).status).toBe(1);
      expect((await fleet.fleetctl(['verify', path])).status).toBe(1);
    }
    fleet.file('firm.service', sleeping('3d'));
    expect((await fleet.fleetctl(['submit', '--replace', path])).stderr).toContain('is launched');
    expect(await runOf('firm.service')).toEqual(before);
    expect(await fleet.did('cat', 'firm.service')).toBe(sleeping('1d'));
    await fleet.did('destroy', 'firm.service');
  });

  it('takes an instance to the new text of its template, and its siblings not', async () => {
    const template = fleet.file('tpl@.service', sleeping('1d'));
    await fleet.did('submit', template);
    await fleet.did('start', '--wait', 'tpl@1.service', 'tpl@2.service');
    const second = await runOf('tpl@2.service');
    const first = await runOf('tpl@1.service');
    fleet.file('tpl@.service', sleeping('2d'));
    await fleet.did('submit', '--replace', template);
    await fleet.did('start', '--wait', '--replace', 'tpl@1.service');
    expect(await commandOf('tpl@1.service')).toContain('sleep 2d');
    expect((await runOf('tpl@1.service')).machine).toBe(first.machine);
    expect(await runOf('tpl@2.service')).toEqual(second);
    await fleet.did('destroy', 'tpl@1.service', 'tpl@2.service', 'tpl@.service');
  });
});
