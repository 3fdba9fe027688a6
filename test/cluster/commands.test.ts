import { describe, expect, it } from 'vitest';
import { run } from '../../src/lab/run.ts';
import { fleetctlPath, patience, placed, sleeper, withFleet } from './with-fleet.ts';

const fleet = withFleet();
const place = /on [0-9a-f]{8}\.\.\.\/10\.88\.\d+\.1[123]$/;

/** What systemd says of a unit on each machine, such as `m1 loaded inactive`; unknown ones left out. */
async function known(unit: string): Promise<readonly string[]> {
  const show = `systemctl show --value --property=LoadState,ActiveState '${unit}'`;
  const names = ['m1', 'm2', 'm3'];
  const words = await Promise.all(names.map((name) => fleet.script(name, show)));
  return words
    .map((text, index) => [names[index], ...text.trim().split(/\s+/)].join(' '))
    .filter((text) => !text.includes('not-found'));
}

/** The lines that a unit's programs wrote into a file of that name, on all machines together. */
async function written(name: string): Promise<readonly string[]> {
  const read = `cat '/var/tmp/${name}' 2>/dev/null || true`;
  const texts = await Promise.all(['m1', 'm2', 'm3'].map((machine) => fleet.script(machine, read)));
  return texts.join('').split('\n').filter(Boolean).sort();
}

describe('the life of a unit', () => {
  const text = `# ours\t\r\n[Unit]\nDescription=Ünï\\\n  cöde \n\n[Service]\n;x\nExecStart=/bin/sleep 1d`;

  it('submit stores it byte for byte, and no machine hears of it', async () => {
    const file = fleet.file('life.service', text);
    expect(await fleet.did('submit', file)).toBe('Unit life.service inactive\n');
    expect(await fleet.did('cat', 'life.service')).toBe(text);
    expect(await fleet.did('cat', 'life')).toBe(text);
    expect(await known('life.service')).toEqual([]);
    const files = await fleet.did('list-unit-files', '--fields', 'unit,dstate,state,target');
    expect(files).toMatch(/^life\.service\tinactive\tinactive\t-$/m);
  });

  it('load makes it known to one systemd, and starts nothing', async () => {
    expect(await fleet.did('load', 'life.service')).toMatch(/^Unit life\.service loaded on /);
    expect(await known('life.service')).toEqual([expect.stringMatching(/ loaded inactive$/)]);
  });

  it('start runs it where it was loaded, with the text that was submitted', async () => {
    const [before = ''] = await known('life.service');
    const printed = await fleet.did('start', 'life.service');
    expect(printed.trim()).toMatch(/^Unit life\.service launched on /);
    expect(printed.trim()).toMatch(place);
    expect(await known('life.service')).toEqual([before.replace('inactive', 'active')]);
    const machine = before.slice(0, 2);
    const path = await fleet.script(machine, 'systemctl show --value -p FragmentPath life.service');
    expect(await fleet.script(machine, `cat '${path.trim()}'`)).toBe(text);
  });

  it('start again changes nothing', async () => {
    const before = await fleet.running();
    expect(await fleet.did('start', 'life.service')).toContain('Unit life.service launched on');
    expect(await fleet.running()).toEqual(before);
  });

  it('stop leaves it loaded, unload takes it off its machine, and both can be repeated', async () => {
    expect(await fleet.did('stop', 'life.service')).toMatch(/^Unit life\.service loaded on /);
    expect(await known('life.service')).toEqual([expect.stringMatching(/ loaded inactive$/)]);
    expect(await fleet.did('stop', 'life.service')).toMatch(/^Unit life\.service loaded on /);
    for (const _time of [1, 2]) {
      expect(await fleet.did('unload', 'life.service')).toBe('Unit life.service inactive\n');
      expect(await known('life.service')).toEqual([]);
    }
    expect(await fleet.did('cat', 'life.service')).toBe(text);
  });

  it('destroy forgets it, running or not, and a second one says that there is none', async () => {
    await fleet.did('start', 'life.service');
    expect(await fleet.did('destroy', 'life.service')).toBe('Destroyed life.service\n');
    expect(await known('life.service')).toEqual([]);
    for (const command of ['cat', 'destroy', 'stop', 'unload']) {
      const answer = await fleet.fleetctl([command, 'life.service']);
      expect([command, answer.status, answer.stdout]).toEqual([command, 1, '']);
      expect(answer.stderr).toContain('there is no unit life.service');
    }
    expect((await fleet.keys()).filter((key) => key.includes('life.service'))).toEqual([]);
  });

  it('ExecStop runs when it is stopped and when it is destroyed', async () => {
    const mark = "ExecStop=/bin/sh -c 'echo stopped >>/var/tmp/exec-stop'";
    await fleet.did('start', fleet.file('ends.service', sleeper(mark)));
    await fleet.did('stop', 'ends.service');
    expect(await written('exec-stop')).toEqual(['stopped']);
    await fleet.did('start', 'ends.service');
    await fleet.did('destroy', 'ends.service');
    expect(await written('exec-stop')).toEqual(['stopped', 'stopped']);
  });
});

describe('how commands wait', () => {
  const never = '[Service]\nType=oneshot\nExecStart=/bin/sleep 1d\n';
  const late = /is not launched after (0\.5|1) s: it is /;

  it('--no-block only triggers', async () => {
    const file = fleet.file('later.service', sleeper());
    const started = await fleet.did('start', '--no-block', file);
    expect(started).toBe('Triggered unit later.service start\n');
    await expect.poll(() => fleet.placesOf('later.service'), patience).toHaveLength(1);
    for (const verb of ['stop', 'load', 'unload']) {
      const printed = await fleet.did(verb, '--no-block', 'later.service');
      expect(printed).toBe(`Triggered unit later.service ${verb}\n`);
    }
    const destroyed = await fleet.did('destroy', '--no-block', 'later.service');
    expect(destroyed).toBe('Destroyed later.service\n');
    await expect.poll(() => known('later.service'), patience).toEqual([]);
  });

  it('--timeout and --block-attempts end a wait with status 1, and the work goes on', async () => {
    const file = fleet.file('never.service', never);
    const limits = [
      ['--timeout', '500ms'],
      ['--block-attempts', '2'],
      ['--block-attempts', '0', '--timeout', '1s'],
    ];
    for (const limit of limits) {
      const answer = await fleet.fleetctl(['start', ...limit, file]);
      expect([limit, answer.status]).toEqual([limit, 1]);
      expect(answer.stderr).toMatch(late);
    }
    await expect
      .poll(() => known('never.service'), patience)
      .toEqual([expect.stringMatching(/ loaded activating$/)]);
    expect(await fleet.did('destroy', 'never.service')).toBe('Destroyed never.service\n');
    expect(await known('never.service')).toEqual([]);
  });

  it('--wait tells what became of a unit: active, finished or failed', async () => {
    const runs = fleet.file('runs.service', sleeper());
    const ends = fleet.file('ends.service', '[Service]\nType=oneshot\nExecStart=/bin/true\n');
    const fails = fleet.file('fails.service', '[Service]\nExecStart=/bin/false\n');
    const printed = await fleet.did('start', '--wait', runs, ends);
    expect(printed).toMatch(/^Unit runs\.service active on /m);
    expect(printed).toMatch(/^Unit ends\.service finished on /m);
    const failed = await fleet.fleetctl(['start', '--wait', fails]);
    expect([failed.status, failed.stdout]).toEqual([1, '']);
    expect(failed.stderr).toMatch(/^fleetctl: fails\.service failed on /);
    await fleet.did('destroy', 'runs', 'ends', 'fails');
  });

  it('a unit that systemd cannot start is reported with its reason, and the others start', async () => {
    const bad = fleet.file('bad.service', '[Service]\nType=exec\nExecStart=/no/such/program\n');
    const good = fleet.file('good.service', sleeper());
    const answer = await fleet.fleetctl(['start', bad, good]);
    expect(answer.status).toBe(1);
    expect(answer.stdout).toMatch(/^Unit good\.service launched on /);
    expect(answer.stderr).toMatch(/^fleetctl: bad\.service did not start on /);
    expect(await fleet.placesOf('good.service')).toHaveLength(1);
    await fleet.did('destroy', 'bad', 'good');
  });
});

describe('tables', () => {
  it('list-machines shows every machine, as asked for', async () => {
    const machines = (await fleet.lab.status()).machines;
    const full = machines.map(({ id, address }) => `${id}\t${address}\t-`).sort();
    const lines = (await fleet.did('list-machines', '--full')).split('\n').filter(Boolean);
    expect(lines[0]).toMatch(/^MACHINE\t+IP\t+METADATA$/);
    expect(lines.slice(1).map((line) => line.replace(/\t+/g, '\t'))).toEqual(full);
    const short = await fleet.did('list-machines', '--no-legend', '--fields', 'ip,machine');
    const wanted = machines.map(({ id, address }) => `${address}\t${id.slice(0, 8)}...`);
    expect(short.split('\n').filter(Boolean).sort()).toEqual(wanted.sort());
    const json: unknown = JSON.parse(await fleet.did('list-machines', '-o', 'json'));
    expect(json).toHaveLength(machines.length);
    expect(json).toEqual(
      expect.arrayContaining(
        machines.map(({ id, address }) => expect.objectContaining({ id, primaryIP: address })),
      ),
    );
  });

  it('list-units and list-unit-files agree with each other and with systemd', async () => {
    await fleet.did('start', fleet.file('row.service', sleeper()));
    const [name = ''] = await fleet.placesOf('row.service');
    const { id, address } = await fleet.lab.machine(name);
    const where = `${id.slice(0, 8)}.../${address}`;
    const units = await fleet.did('list-units');
    expect(units.split('\n')[0]).toMatch(/^UNIT\t+MACHINE\t+ACTIVE\t+SUB$/);
    expect(units.replace(/\t+/g, '\t')).toContain(`row.service\t${where}\tactive\trunning\n`);
    const fields = ['--no-legend', '--full', '--fields', 'unit,load,machine,hash'];
    const chosen = (await fleet.did('list-units', ...fields)).replace(/\t+/g, '\t');
    const hash = /^row\.service\tloaded\t\S+\t([0-9a-f]{40})$/m.exec(chosen)?.[1] ?? '';
    expect(chosen).toContain(`row.service\tloaded\t${id}/${address}\t${hash}\n`);
    const files = (await fleet.did('list-unit-files')).replace(/\t+/g, '\t');
    expect(files).toMatch(/^UNIT\tHASH\tDSTATE\tSTATE\tTARGET\n/);
    expect(files).toContain(`row.service\t${hash.slice(0, 7)}\tlaunched\tlaunched\t${where}\n`);
    const json: unknown = JSON.parse(await fleet.did('list-units', '-o', 'json'));
    expect(json).toEqual([expect.objectContaining({ name: 'row.service', hash, machineID: id })]);
    await fleet.did('destroy', 'row.service');
  });

  it('are the same whichever machine is asked', async () => {
    await fleet.did('start', '--wait', fleet.file('seen.service', sleeper()));
    for (const table of ['list-machines', 'list-units', 'list-unit-files']) {
      const asked = ['m1', 'm2', 'm3'].map((via) => fleet.fleetctl([table], { via }));
      const answers = (await Promise.all(asked)).map(({ stdout }) => stdout);
      expect(new Set(answers).size).toBe(1);
    }
    const inside = ['/opt/flotilla/node', '/opt/flotilla/bin/fleetctl.cjs', 'list-units'];
    const local = await fleet.lab.exec('m2', inside);
    expect([local.status, local.stdout]).toEqual([0, await fleet.did('list-units')]);
    await fleet.did('destroy', 'seen.service');
  });

  it('end quietly when nobody reads on', async () => {
    const endpoint = (await fleet.lab.environment())['FLEETCTL_ENDPOINT'] ?? '';
    for (const command of ['list-machines', 'list-machines -o json', 'help', 'version']) {
      const line = `FLEETCTL_ENDPOINT=${endpoint} ${fleetctlPath} ${command} | head -n 0; exit $PIPESTATUS`;
      const ended = await run(['bash', '-c', line]);
      expect([command, ended]).toEqual([command, { status: 0, stdout: '', stderr: '' }]);
    }
  });
});

describe('templates and instances', () => {
  const template = (words: string): string => `[Unit]\nDescription=${words} %i of %p\n${sleeper()}`;

  async function describedAs(unit: string): Promise<string> {
    const [machine = ''] = await fleet.placesOf(unit);
    return (await fleet.script(machine, `systemctl show --value -p Description '${unit}'`)).trim();
  }

  it('an instance takes its text from the template in the registry', async () => {
    await fleet.did('submit', fleet.file('stored@.service', template('stored')));
    await fleet.did('start', 'stored@one', 'stored@two.service');
    expect(await describedAs('stored@one.service')).toBe('stored one of stored');
    expect(await describedAs('stored@two.service')).toBe('stored two of stored');
    expect(await fleet.did('cat', 'stored@two')).toBe(template('stored'));
    await fleet.did('destroy', 'stored@', 'stored@one', 'stored@two');
  });

  it('or from the template file beside it', async () => {
    const file = fleet.file('beside@.service', template('beside'));
    await fleet.did('start', file.replace('@.', '@7.'));
    expect(await describedAs('beside@7.service')).toBe('beside 7 of beside');
    await fleet.did('destroy', 'beside@7');
  });

  it('the registry comes first, and the difference is told', async () => {
    await fleet.did('submit', fleet.file('both@.service', template('registry')));
    const file = fleet.file('both@.service', template('file'));
    const answer = await fleet.fleetctl(['start', file.replace('@.', '@1.')]);
    expect(answer.status).toBe(0);
    expect(answer.stderr).toContain('both@.service in the cluster differs from');
    expect(await describedAs('both@1.service')).toBe('registry 1 of both');
    await fleet.did('destroy', 'both@', 'both@1');
  });

  it('a template itself cannot be loaded or started', async () => {
    const file = fleet.file('form@.service', template('form'));
    for (const verb of ['load', 'start']) {
      const answer = await fleet.fleetctl([verb, file]);
      expect([answer.status, answer.stdout]).toEqual([1, '']);
      expect(answer.stderr).toContain(`is a template and cannot be ${verb}ed`);
    }
  });
});

describe('another text under the same name', () => {
  const logging = (word: string | number): string =>
    `[Service]\nExecStart=/bin/sh -c 'echo ${word} >>/var/tmp/%p; exec sleep infinity'\n`;

  it('is not used without --replace, and runs with it', async () => {
    await fleet.did('start', fleet.file('change.service', logging('old')));
    const file = fleet.file('change.service', logging('new'));
    const kept = await fleet.fleetctl(['start', file]);
    expect(kept.status).toBe(0);
    expect(kept.stderr).toMatch(/warning: change\.service in the cluster differs from .*--replace/);
    expect(await fleet.did('cat', 'change')).toBe(logging('old'));
    expect(await written('change')).toEqual(['old']);
    expect((await fleet.fleetctl(['submit', '--replace', file])).status).toBe(1);
    await fleet.did('start', '--replace', file);
    expect(await fleet.did('cat', 'change')).toBe(logging('new'));
    await expect.poll(() => written('change'), patience).toEqual(['new', 'old']);
    expect(await fleet.placesOf('change.service')).toHaveLength(1);
    await fleet.did('destroy', 'change');
  });

  it('never runs the old one after destroy and submit in quick succession', async () => {
    const wanted: string[] = [];
    for (const generation of [1, 2, 3, 4, 5, 6]) {
      const file = fleet.file('again.service', logging(generation));
      await fleet.did('start', file);
      wanted.push(String(generation));
      // Taken note of, while the machine has it still: the next submission meets what is left.
      await fleet.did('destroy', '--no-block', 'again.service');
    }
    await expect.poll(() => known('again.service'), patience).toEqual([]);
    expect(await written('again')).toEqual(wanted);
  });
});

describe('fleetctl', () => {
  it('says its version, alike by command and by flag', async () => {
    const said = await fleet.did('version');
    expect(said).toMatch(/^fleetctl version \d+\.\d+\.\d+\n$/);
    expect(await fleet.did('--version')).toBe(said);
  });

  it('helps with each of its commands', async () => {
    const help = await fleet.did('help');
    const commands = [...help.matchAll(/^ {2}([a-z][a-z-]*) .*/gm)].map((match) => match[1] ?? '');
    expect(commands.length).toBeGreaterThanOrEqual(12);
    for (const command of commands.filter((name) => name !== 'help')) {
      expect(help).toContain(`  ${command} `);
      expect(await fleet.did('help', command)).toContain(`Usage: fleetctl ${command}`);
    }
  });

  it('ends with 2 for a mistake on its command line and 1 when something was not done', async () => {
    const statusOf = async (...args: string[]): Promise<number> =>
      (await fleet.fleetctl(args)).status;
    expect(await statusOf('strat', 'web.service')).toBe(2);
    expect(await statusOf('start', '--wiat', 'web.service')).toBe(2);
    expect(await statusOf('list-units', '--fields', 'colour')).toBe(2);
    expect(await statusOf('start', 'no-such.service')).toBe(1);
    expect(await statusOf('--endpoint', 'http://127.0.0.1:1', 'list-machines')).toBe(1);
    const partly = fleet.file('part.service', placed('MachineMetadata=no=where'));
    expect(await statusOf('start', partly)).toBe(1);
    await fleet.did('destroy', 'part.service');
  });
});
