import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { placed, sleeper, withFleet } from './with-fleet.ts';

const fleet = withFleet();
const steady = 'steady.service';
const machines = ['m1', 'm2', 'm3'] as const;
/** Far more than the three seconds that fleetctl gives a request. */
const answerMsMax = 30_000;
const again = 'nothing was sent; correct it and try again';

beforeAll(async () => {
  await fleet.did('start', '--wait', fleet.file(steady, sleeper()));
});

/** A file with this content, which need not be text. */
function bytes(name: string, content: Uint8Array | string): string {
  const path = fleet.file(name, '');
  writeFileSync(path, content);
  return path;
}

/** What of a command line belongs to units; a machine's own reports come and go. */
async function unitKeys(): Promise<readonly string[]> {
  return (await fleet.keys()).filter((key) => !/^(chain|state|engine)\//.test(key));
}

/** What fleetctl says on stderr when it refuses; asserts that it does so briefly and in words. */
async function refusal(status: 1 | 2, args: readonly string[]): Promise<string> {
  const ran = await fleet.fleetctl(args, { timeoutMs: answerMsMax });
  expect(ran.stdout).toBe('');
  expect(ran.stderr).not.toMatch(/^\s+at |Error:|\.[cm]?js:\d|\bundefined\b|\[object/m);
  expect(ran.stderr.trim().split('\n').length).toBeGreaterThanOrEqual(2); // what, and what to do
  expect(ran.stderr.split('\n').every((line) => line.length < 400)).toBe(true);
  expect(ran.status, ran.stderr).toBe(status);
  return ran.stderr;
}

/** As `refusal`, for what must leave no trace in the cluster. */
async function refusalOfAll(status: 1 | 2, args: readonly string[]): Promise<string> {
  const before = await unitKeys();
  const stderr = await refusal(status, args);
  expect(await unitKeys()).toEqual(before);
  expect(await fleet.did('list-unit-files', '--no-legend', '--fields', 'unit')).toBe(`${steady}\n`);
  return stderr;
}

describe('a bad unit file is refused with its place, and nothing is stored', () => {
  const garbage = randomBytes(1024 * 1024);
  const cases = [
    ['syntax.service', `${sleeper()}this is no option\n`, ':3:1: "this is no option": no "="'],
    ['binary.service', garbage, ': over 65536 bytes, more than a unit file may have'],
    ['small.service', Buffer.concat([garbage.subarray(0, 999), Buffer.alloc(1)]), 'text file?'],
    ['text.service', 'x'.repeat(1024 * 1024), ': over 65536 bytes'],
    ['line.service', 'x'.repeat(60_000), ':1:1: "xxxx'],
    ['empty.service', '', ': it has no options'],
    ['web.servcie', sleeper(), ': "servcie" is no type of unit'],
    ['old.snapshot', sleeper(), 'systemd dropped snapshot units'],
    ['data@1.mount', '[Mount]\nWhat=tmpfs\nWhere=/data\n', 'a mount unit cannot have instances'],
    ['data@.slice', '[Slice]\n', 'a slice unit cannot have instances'],
    ['made.scope', sleeper(), 'scope units are made by programs'],
    ['disk.device', sleeper(), 'device units'],
    ['old.busname', sleeper(), 'systemd dropped busname units'],
    ['both.service', placed('Global=true', 'MachineOf=a.service'), ':6:11: "MachineOf=a.service"'],
    ['pair.service', placed('MachineMetadata=ssd'), ':5:'],
    ['dbus.service', sleeper(), '"dbus.service" has a meaning of its own in systemd'],
    ['fleet.service', sleeper(), '"fleet.service" is a unit of fleet itself'],
  ] as const;
  for (const [name, content, words] of cases) {
    it(name, async () => {
      const path = bytes(name, content);
      for (const verb of ['submit', 'load', 'start']) {
        const said = await refusalOfAll(1, [verb, path]);
        expect(said).toContain(words);
        expect(said).toContain(again);
      }
    });
  }

  it('with two good ones beside it: none of the three is stored', async () => {
    const files = [
      fleet.file('good-1.service', sleeper()),
      bytes('bad.service', '[Service\n'),
      fleet.file('good-2.service', sleeper()),
    ];
    expect(await refusalOfAll(1, ['start', ...files])).toContain('bad.service:1:1: "[Service"');
  });

  it('a template, when it is to run', async () => {
    const template = fleet.file('tpl@.service', sleeper());
    for (const verb of ['start', 'load']) {
      const said = await refusalOfAll(1, [verb, template]);
      expect(said).toContain('tpl@.service is a template and cannot be');
      expect(said).toContain('such as tpl@1.service');
    }
  });
});

describe('an argument that means nothing is refused, and nothing is stored', () => {
  const missing = 'give the path of its unit file';
  const cases = [
    ['a unit that does not exist', ['start', 'nosuch'], missing],
    ['a name with a slash', ['start', 'some/where/web.service'], missing],
    ['a name with a blank', ['start', 'my web.service'], 'contains " "; letters, digits and'],
    ['an empty name', ['start', ''], '"" names no unit'],
    ['a device', ['submit', '/dev/zero'], '/dev/zero: it is no file, but a device or pipe'],
    ['a stop of what is unknown', ['stop', 'a/b'], 'fleetctl list-unit-files shows what is there'],
    ['a destroy of what is unknown', ['destroy', 'nosuch'], 'there is no unit nosuch.service'],
    ['a look at what is unknown', ['cat', 'nosuch'], 'there is no unit nosuch.service'],
  ] as const;
  for (const [title, args, words] of cases) {
    it(title, async () => expect(await refusalOfAll(1, args)).toContain(words));
  }

  it('a folder', async () => {
    const folder = fleet.file('units/folder.service/x', '').slice(0, -2);
    mkdirSync(folder, { recursive: true });
    expect(await refusalOfAll(1, ['submit', folder])).toContain(`${folder} is a folder`);
  });

  const usage = [
    [['stert', steady], "unknown command 'stert'\nDid you mean start?"],
    [['list-uni'], "unknown command 'list-uni'\nDid you mean list-units?"],
    [[], 'no command is given\nfleetctl help lists the commands'],
    [['list-units', '--bogus'], "unknown option '--bogus'\nfleetctl help list-units shows"],
    [['start'], "missing required argument 'unit'\nfleetctl help start shows"],
    [['cat', 'a', 'b'], "too many arguments for 'cat'"],
    [['list-units', '--fields', 'unit,hat'], 'unknown field "hat"\nfields are unit, load,'],
    [['start', '--timeout', 'soon', steady], '--timeout "soon" is not a time\nwrite it as 90s'],
    [['--request-timeout', '0', 'list-units'], '--request-timeout: "0" is not a time'],
    [['--endpoint', 'ftp://127.0.0.1', 'list-units'], 'write it as unix:///var/run/fleet.sock or'],
    [['--driver', 'etcd', 'list-units'], "fleet's etcd driver is gone\npoint --endpoint at"],
  ] as const;
  for (const [args, words] of usage) {
    it(`fleetctl ${args.join(' ')}: status 2`, async () => {
      expect(await refusalOfAll(2, args)).toContain(words);
    });
  }
});

describe('an endpoint', () => {
  const servers: Server[] = [];
  afterAll(() => {
    for (const server of servers) server.close();
  });

  /** A server on a port of its own that answers whoever connects with `text`, or never. */
  async function serve(text: string | null): Promise<string> {
    const server = createServer((socket) => {
      socket.on('error', () => socket.destroy());
      if (text !== null) socket.on('data', () => socket.end(text));
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    return `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
  }

  async function at(endpoint: string, ...more: readonly string[]): Promise<string> {
    const file = fleet.file('lost.service', sleeper());
    const said: string[] = [];
    for (const args of [['list-units'], ['start', file], ['cat', steady], ['destroy', steady]]) {
      said.push(await refusalOfAll(1, ['--endpoint', endpoint, ...more, ...args]));
    }
    expect(new Set(said).size).toBe(1); // whatever is asked for
    return said[0] ?? '';
  }

  it('that nobody serves', async () => {
    expect(await at('http://127.0.0.1:1')).toMatch(/nobody listens at .*\nstart fleetd there/);
    expect(await at('unix:///run/nosuch.sock')).toMatch(/nobody listens at .*\nstart fleetd there/);
  });

  it('that never answers', async () => {
    expect(await at(await serve(null), '--request-timeout', '1')).toContain(
      'did not answer within 1 s\nlook at fleetd there',
    );
  });

  it('that is no fleetd', async () => {
    const page = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\n<html';
    const { ETCDCTL_ENDPOINTS: etcds = '' } = await fleet.lab.environment();
    for (const endpoint of [await serve(page), await serve('SSH-2.0-x\r\n'), etcds.split(',')[0]]) {
      expect(await at(endpoint ?? '')).toMatch(/is not a fleetd: .*\nname the address of a fleetd/);
    }
  });
});

describe("a name that a machine's own system has", () => {
  const show = 'systemctl show -p FragmentPath,ActiveState,InvocationID,ActiveEnterTimestamp';
  const ours = 'ls -A /run/fleet/units /run/systemd/system 2>/dev/null || true';

  it('on every machine is refused with the file that has it, which stays as it is', async () => {
    const name = 'systemd-tmpfiles-clean.service';
    const look = async (): Promise<readonly string[]> =>
      Promise.all(machines.map((machine) => fleet.script(machine, `${show} ${name}; ${ours}`)));
    const before = await look();
    const said = await refusal(1, ['start', fleet.file(name, sleeper())]);
    expect(said).toMatch(/3 machines: refused: name taken by \S+systemd-tmpfiles-clean\.service/);
    expect(said).toContain(`to give up: fleetctl unload ${name}`);
    await fleet.did('destroy', name);
    expect(await look()).toEqual(before);
  });

  it('on two machines leaves the third, and theirs run on through start and destroy', async () => {
    const name = 'admins-own.service';
    const owners = ['m1', 'm2'] as const;
    for (const machine of owners) {
      const path = `/etc/systemd/system/${name}`;
      const write = `printf '[Service]\\nExecStart=/usr/bin/sleep 4711\\n' > ${path}`;
      await fleet.script(machine, `${write}; systemctl daemon-reload; systemctl start ${name}`);
    }
    const look = async (): Promise<readonly string[]> =>
      Promise.all(owners.map((machine) => fleet.script(machine, `${show} ${name}; ${ours}`)));
    const before = await look();
    await fleet.did('start', '--wait', fleet.file(name, sleeper()));
    expect(await fleet.script('m3', `systemctl is-active ${name}`)).toBe('active\n');
    await fleet.did('destroy', name);
    expect(await look()).toEqual(before);

    const { id } = await fleet.lab.machine('m1');
    const pinned = fleet.file(name, placed(`MachineID=${id}`));
    const said = await refusal(1, ['start', pinned]);
    expect(said).toContain(`1 machine: refused: name taken by /etc/systemd/system/${name}`);
    await fleet.did('destroy', name);
    expect(await look()).toEqual(before);
    expect(before.every((text) => text.includes('ActiveState=active'))).toBe(true);
  });
});
