import { describe, expect, it } from 'vitest';
import { addMachine } from '../../src/lab/power.ts';
import { invocations, patience, placed, sleeper, withFleet } from './with-fleet.ts';

const fleet = withFleet({
  metadata: new Map([
    ['m1', 'disk=hdd,region=eu'],
    ['m2', 'disk=ssd,region=eu'],
    ['m3', 'disk=ssd,region=us'],
  ]),
});

/** Where each of some units is active: `[['m1'], ['m2']]`. */
function placesOf(...units: readonly string[]): Promise<readonly (readonly string[])[]> {
  return Promise.all(units.map((unit) => fleet.placesOf(unit)));
}

/** Starts units that must be refused, and returns what was said. */
async function refused(...files: readonly string[]): Promise<string> {
  const answer = await fleet.fleetctl(['start', ...files]);
  expect(answer).toMatchObject({ status: 1, stdout: '' });
  return answer.stderr;
}

describe('MachineMetadata', () => {
  it('with two keys asks for both, with one key twice for either', async () => {
    const both = placed('MachineMetadata=disk=ssd', 'MachineMetadata=region=us');
    const either = placed('MachineMetadata="region=us" "region=asia"');
    await fleet.did('start', fleet.file('both.service', both));
    await fleet.did('start', fleet.file('either.service', either));
    expect(await placesOf('both.service', 'either.service')).toEqual([['m3'], ['m3']]);
    await fleet.did('destroy', 'both', 'either');
  });

  it('that no machine has is reported at once, grouped by reason', async () => {
    const text = placed('MachineMetadata=disk=ssd', 'MachineMetadata=region=mars');
    const said = await refused(fleet.file('mars.service', text));
    expect(said).toContain('mars.service fits on none of 3 machines\n');
    expect(said).toMatch(/^ {2}\d machines?: .*(disk=ssd|region=mars)/m);
    expect(await placesOf('mars.service')).toEqual([[]]);
    await fleet.did('destroy', 'mars');
  });
});

describe('MachineID', () => {
  it('places on that machine, by its full id or by the first eight characters', async () => {
    const { id } = await fleet.lab.machine('m2');
    await fleet.did('start', fleet.file('full.service', placed(`MachineID=${id}`)));
    await fleet.did('start', fleet.file('short.service', placed(`MachineID=${id.slice(0, 8)}`)));
    expect(await placesOf('full.service', 'short.service')).toEqual([['m2'], ['m2']]);
    await fleet.did('destroy', 'full', 'short');
  });

  it('of a machine that is not there is reported at once', async () => {
    const text = placed('MachineID=0123456789abcdef0123456789abcdef');
    const said = await refused(fleet.file('nowhere.service', text));
    expect(said).toMatch(/nowhere\.service fits on none of 3 machines\n {2}3 machines: .+\n/);
    await fleet.did('destroy', 'nowhere');
  });
});

describe('MachineOf', () => {
  it('places a unit beside the other, and nowhere while that one is nowhere', async () => {
    const sidekick = fleet.file('sidekick.service', placed('MachineOf=host.service'));
    expect(await refused(sidekick)).toContain('host.service');
    for (const machine of ['m1', 'm3']) {
      const { id } = await fleet.lab.machine(machine);
      await fleet.did('start', fleet.file('host.service', placed(`MachineID=${id}`)));
      await expect
        .poll(() => placesOf('host.service', 'sidekick.service'), patience)
        .toEqual([[machine], [machine]]);
      await fleet.did('destroy', 'host.service');
    }
    await fleet.did('destroy', 'sidekick.service');
  });
});

describe('spreading', () => {
  it('puts instances of one template on different machines first, however loaded', async () => {
    const { id } = await fleet.lab.machine('m1');
    const load = fleet.file('load@.service', placed(`MachineID=${id}`));
    const ballast = [1, 2, 3, 4, 5].map((number) => load.replace('@.', `@${number}.`));
    await fleet.did('start', ...ballast);
    const spread = fleet.file('spread@.service', sleeper());
    const instances = [1, 2, 3].map((number) => `spread@${number}.service`);
    await fleet.did('start', ...instances.map((name) => spread.replace('spread@.service', name)));
    expect((await placesOf(...instances)).flat().sort()).toEqual(['m1', 'm2', 'm3']);
    const names = ballast.map((_path, index) => `load@${index + 1}.service`);
    await fleet.did('destroy', ...instances, ...names);
  });
});

describe('Replaces', () => {
  it('takes the place of a unit, which moves to another machine and is never absent', async () => {
    // All machines have this computer's clock.
    const stamp = (event: string): string => `/bin/sh -c 'date +%%s%%N >/var/tmp/old-${event}'`;
    const text = sleeper(`ExecStartPost=${stamp('started')}`, `ExecStop=${stamp('stopped')}`);
    await fleet.did('start', '--wait', fleet.file('old.service', text));
    const [[place = ''] = []] = await placesOf('old.service');
    await fleet.did('start', '--wait', fleet.file('new.service', placed('Replaces=old.service')));
    expect(await placesOf('new.service')).toEqual([[place]]);
    await expect
      .poll(async () => (await placesOf('old.service'))[0], patience)
      .toEqual([expect.not.stringMatching(place)]);
    const [[other = ''] = []] = await placesOf('old.service');
    const stopped = await fleet.script(place, 'cat /var/tmp/old-stopped');
    expect(BigInt(await fleet.script(other, 'cat /var/tmp/old-started'))).toBeLessThan(
      BigInt(stopped),
    );
    await fleet.did('destroy', 'old', 'new');
  });

  it('does not move a unit to where its own rules forbid it', async () => {
    const { id } = await fleet.lab.machine('m1');
    await fleet.did('start', fleet.file('fixed.service', placed(`MachineID=${id}`)));
    const text = placed('Replaces=fixed.service', 'MachineMetadata=disk=hdd');
    const answer = await fleet.fleetctl(['start', fleet.file('pushy.service', text)]);
    expect(answer.status).toBe(1);
    expect(await placesOf('fixed.service', 'pushy.service')).toEqual([['m1'], []]);
    await fleet.did('destroy', 'fixed', 'pushy');
  });
});

describe('names, specifiers and globs', () => {
  it('a name may have every character that systemd knows, and 255 of them', async () => {
    for (const name of ['a:b_c.d\\x2de-f@g\\x20:h.service', `${'x'.repeat(247)}.service`]) {
      const { address } = await fleet.lab.machine('m1');
      const path = `/fleet/v1/units/${encodeURIComponent(name)}`;
      const answer = await fetch(`http://${address}:49153${path}`, {
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ text: sleeper(), desiredState: 'launched' }),
      });
      expect([answer.status, await answer.text()]).toEqual([201, '']);
      await expect.poll(async () => (await placesOf(name)).flat(), patience).toHaveLength(1);
      await fleet.did('destroy', name);
      expect(await placesOf(name)).toEqual([[]]);
    }
  });

  it('%n, %N, %p, %i and %% stand for what they are in systemd', async () => {
    const options = ['%n', '%N', '%p', '%i', '100%%'].map(
      (value, index) => `MachineMetadata=s${index}=${value}`,
    );
    const values = ['spec@a.b.service', 'spec@a.b', 'spec', 'a.b', '100%'];
    const { id, address } = await fleet.lab.machine('m2');
    const change = (op: string) =>
      fetch(`http://${address}:49153/fleet/v1/machines`, {
        method: 'PATCH',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(
          values.map((value, index) => ({ op, path: `/${id}/metadata/s${index}`, value })),
        ),
      });
    expect((await change('add')).status).toBe(204);
    await fleet.did('start', fleet.file('spec@a.b.service', placed(...options)));
    expect(await placesOf('spec@a.b.service')).toEqual([['m2']]);
    await fleet.did('destroy', 'spec@a.b.service');
    expect((await change('remove')).status).toBe(204);
  });

  it('a glob has * ? [class] and \\, each of which matches what it should and no more', async () => {
    const names = ['g1.service', 'ga.service', 'g\\x2d.service'];
    for (const [index, name] of names.entries()) {
      const { id } = await fleet.lab.machine(`m${index + 1}`);
      await fleet.did('start', fleet.file(name, placed(`MachineID=${id}`)));
    }
    const globs = ['g[0-9].service', 'g?.servic[^a-d]', 'g\\\\x2d.service'];
    const said = await refused(fleet.file('wary.service', placed(`Conflicts=${globs.join(' ')}`)));
    for (const name of names) expect(said).toContain(`1 machine: conflicts with ${name}`);
    const vain = ['g.service', 'g??.service', 'g[b-z].*', 'G1.*', 'g\\x2d.service'];
    const file = fleet.file('bold.service', placed(`Conflicts=${vain.join(' ')}`));
    await fleet.did('start', '--wait', file);
    await fleet.did('destroy', 'wary', 'bold', ...names);
  });
});

describe('five units that conflict, a global one, and a fourth machine', () => {
  const webs = [1, 2, 3, 4, 5].map((number) => `web@${number}.service`);
  const runningWebs = async (): Promise<readonly string[]> =>
    (await placesOf(...webs)).flat().sort();

  it('three run, two are reported at once with the reasons, and the status is 1', async () => {
    const template = fleet.file('web@.service', placed('Conflicts=web@*.service'));
    const files = webs.map((name) => template.replace('web@.service', name));
    const answer = await fleet.fleetctl(['start', '--wait', '--timeout', '5m', ...files]);
    expect(answer.status).toBe(1);
    expect(answer.stdout.match(/^Unit web@\d\.service active on /gm)).toHaveLength(3);
    const reports = [...answer.stderr.matchAll(/(web@\d\.service) fits on none of 3 machines/g)];
    expect(reports).toHaveLength(2);
    expect(answer.stderr.match(/1 machine: conflicts with web@\d\.service/g)).toHaveLength(6);
    expect(answer.stderr).not.toContain('after 300 s');
    expect(await runningWebs()).toEqual(['m1', 'm2', 'm3']);
    for (const [, unit = ''] of reports) expect(await placesOf(unit)).toEqual([[]]);
  });

  it('a unit without the option is kept from those that conflict with it', async () => {
    await fleet.did('start', fleet.file('shy.service', placed('Conflicts=plain.service')));
    await fleet.did('start', fleet.file('plain.service', sleeper()));
    const [[shy] = [], [plain] = []] = await placesOf('shy.service', 'plain.service');
    expect([shy, plain]).toEqual([expect.any(String), expect.not.stringMatching(`${shy}`)]);
    await fleet.did('destroy', 'shy', 'plain');
  });

  it('a global unit runs on every machine that its metadata allows', async () => {
    const everywhere = fleet.file('everywhere.service', placed('Global=true'));
    const text = placed('Global=yes', 'MachineMetadata=disk=ssd');
    await fleet.did('start', everywhere, fleet.file('on-ssd.service', text));
    await expect
      .poll(() => placesOf('everywhere.service', 'on-ssd.service'), patience)
      .toEqual([
        ['m1', 'm2', 'm3'],
        ['m2', 'm3'],
      ]);
  });

  it('a machine that joins takes one more and the global units, and disturbs nobody', async () => {
    const before = invocations(await fleet.running());
    expect(await addMachine(fleet.lab.context, null, 'disk=ssd')).toBe('m4');
    await expect.poll(runningWebs, patience).toEqual(['m1', 'm2', 'm3', 'm4']);
    await expect
      .poll(() => placesOf('everywhere.service', 'on-ssd.service'), patience)
      .toEqual([
        ['m1', 'm2', 'm3', 'm4'],
        ['m2', 'm3', 'm4'],
      ]);
    expect(invocations(await fleet.running(), ['m4'])).toEqual(before);
    const places = await placesOf(...webs);
    const [waiting = ''] = webs.filter((_web, index) => places[index]?.length === 0);
    const said = await refused(waiting);
    expect(said).toContain(`${waiting} fits on none of 4 machines`);
  });

  it('stopping a global unit stops it everywhere, destroying it leaves nothing', async () => {
    await fleet.did('stop', 'everywhere.service');
    await expect.poll(() => placesOf('everywhere.service'), patience).toEqual([[]]);
    await fleet.did('destroy', 'everywhere.service', 'on-ssd.service', ...webs);
    await expect.poll(() => fleet.running(), patience).toEqual([]);
    const left = (await fleet.keys()).filter((key) => key.endsWith('.service'));
    expect(left).toEqual([]);
  });
});
