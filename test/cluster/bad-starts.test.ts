import { describe, expect, it, vi } from 'vitest';
import { invocations, patience, sleeper, withFleet } from './with-fleet.ts';

const fleet = withFleet();
const machines = ['m1', 'm2', 'm3'] as const;
/** Far more than the three seconds that fleetctl gives a request. */
const answerMsMax = 30_000;

function refusal(...args: readonly string[]): Promise<string> {
  return refusalVia('m1', ...args);
}

async function refusalVia(via: string, ...args: readonly string[]): Promise<string> {
  const ran = await fleet.fleetctl(args, { via, timeoutMs: answerMsMax });
  expect(ran.status, ran.stderr).toBe(1);
  expect(ran.stderr).not.toMatch(/^\s+at |UNAVAILABLE|DEADLINE|\bundefined\b/m);
  expect(ran.stderr.trim().split('\n').length).toBeGreaterThanOrEqual(2);
  return ran.stderr;
}

describe('a unit that cannot run', () => {
  const absent = 'ExecStart=/nonexistent/server';
  const cases = [
    ['absent.service', `Type=exec\n${absent}`, "start job ended 'failed': exit-code, status 203"],
    ['false.service', 'Type=oneshot\nExecStart=/bin/false', "'failed': exit-code, status 1"],
    [
      'nothing.service',
      'Type=simple',
      '3 machines: refused: bad-setting: Service has no ExecStart=',
    ],
  ] as const;
  for (const [name, lines, words] of cases) {
    it(`is told in systemd's words: ${name}`, async () => {
      expect(await refusal('start', fleet.file(name, `[Service]\n${lines}\n`))).toContain(words);
      await fleet.did('destroy', name);
    });
  }

  it('but which systemd could start, is told as failed, and failed in list-units', async () => {
    for (const [name, line] of [
      ['gone.service', absent],
      ['ends.service', 'ExecStart=/bin/false'],
    ] as const) {
      // It is active for an instant, and who looks just then must not believe it.
      const file = fleet.file(name, `[Service]\n${line}\n`);
      const { status, stderr } = await fleet.fleetctl(['start', '--wait', file]);
      const failed = new RegExp(`^fleetctl: ${name} failed on .*\n.*systemctl status`);
      expect(status).toBe(1);
      expect(stderr).toMatch(failed);
      const row = ['list-units', '--no-legend', '--fields', 'unit,active,sub'];
      await vi.waitFor(async () => {
        expect(await fleet.did(...row)).toBe(`${name}\tfailed\tfailed\n`);
      }, patience);
      await fleet.did('destroy', name);
    }
  });
});

describe('while etcd is away', () => {
  const faults = [
    ['stopped', 'systemctl stop etcd', 'systemctl start --no-block etcd'],
    ['frozen', 'systemctl kill -s STOP etcd', 'systemctl kill -s CONT etcd'],
  ] as const;
  for (const [title, begin, end] of faults) {
    it(`(${title}) every command says so soon, and nothing of them happens later`, async () => {
      await fleet.did('start', '--wait', fleet.file('steady.service', sleeper()));
      const before = invocations(await fleet.running());
      const late = fleet.file('late.service', sleeper());
      const other = fleet.file('steady.service', sleeper('Environment=A=b'));
      await Promise.all(machines.map((machine) => fleet.script(machine, begin)));
      try {
        const commands = [
          ['list-units'],
          ['list-unit-files'],
          ['list-machines'],
          ['cat', 'steady.service'],
          ['submit', late],
          ['start', late],
          ['start', '--replace', other],
          ['restart', 'steady.service'],
          ['stop', 'steady.service'],
          ['destroy', 'steady.service'],
        ];
        for (const command of commands) {
          expect(await refusal(...command)).toMatch(
            /fleetctl: .*(etcd at http:.*\nCheck that etcd runs|did not answer within)/,
          );
        }
      } finally {
        await Promise.all(machines.map((machine) => fleet.script(machine, end)));
      }
      const list = ['list-unit-files', '--no-legend', '--fields', 'unit,dstate'];
      await expect
        .poll(async () => (await fleet.fleetctl(list)).stdout, patience)
        .toBe('steady.service\tlaunched\n');
      expect(await fleet.did('cat', 'steady.service')).toBe(sleeper());
      expect(invocations(await fleet.running())).toEqual(before);
      await fleet.did('destroy', 'steady.service');
    });
  }
});

describe('fleetd', () => {
  const conf = '/etc/fleet/fleet.conf';
  const state = 'systemctl show fleet -p ActiveState,ExecMainStatus,NRestarts';

  it('with a bad fleet.conf names each line, ends with 78 and stays down', async () => {
    const from = (await fleet.script('m3', 'date +%s.%N')).trim();
    await fleet.script(
      'm3',
      `cp ${conf} /root/good.conf
       printf 'agent_ttl=banana\\npublic_ip=999.1.1.1\\n\\ntoken_limit=-3\\n' > ${conf}
       systemctl restart fleet || true`,
    );
    const journal = await fleet.script('m3', `journalctl -u fleet -o cat --since @${from}`);
    expect(journal).toContain(`fleetd: ${conf}:1: agent_ttl must be a time such as`);
    expect(journal).toContain(`fleetd: ${conf}:2: public_ip must be an address`);
    expect(journal).toContain(`fleetd: ${conf}:4: token_limit must be a whole number`);
    expect(journal).toContain('fleetd: correct the configuration, then start fleet.service again');
    expect(journal).not.toMatch(/^\s+at /m);
    expect(journal.match(/fleet\.conf:1:/g)).toHaveLength(1); // one attempt
    const facts = await fleet.script('m3', state);
    expect(facts).toMatch(/^ActiveState=failed$/m);
    expect(facts).toMatch(/^ExecMainStatus=78$/m);
    expect(facts).toMatch(/^NRestarts=0$/m);
    await fleet.script('m3', `mv /root/good.conf ${conf}; systemctl restart fleet`);
  });

  it('whose etcd is not there says once that it waits, answers 503, and joins when it comes', async () => {
    const [{ address }, etcd] = [await fleet.lab.machine('m3'), await fleet.lab.machine('m1')];
    const from = (await fleet.script('m3', 'date +%s.%N')).trim();
    const later = `http://${address}:2399`; // nobody serves it yet
    await fleet.script(
      'm3',
      `cp ${conf} /root/good.conf
       sed -i 's#^etcd_servers=.*#etcd_servers=${later}#' ${conf}
       systemctl restart fleet`,
    );
    const waits = (): Promise<string> =>
      fleet.script(
        'm3',
        `journalctl -u fleet -o cat --since @${from} | grep 'waiting for' || true`,
      );
    await expect.poll(waits, patience).toContain(later);
    const said = await refusalVia('m3', 'list-units');
    expect(said).toContain(`etcd at ${later}`);
    expect(said).toContain(
      'Check that etcd runs and that etcd_servers names its client addresses.',
    );
    const answer = await fetch(`http://${address}:49153/fleet/v1/machines`);
    expect(answer.status).toBe(503);
    await answer.body?.cancel();

    const daemon = 'systemctl show fleet -p MainPID,ActiveState,NRestarts';
    const before = await fleet.script('m3', daemon);
    expect(before).toContain('ActiveState=active');
    const proxy = `/lib/systemd/systemd-socket-proxyd ${etcd.address}:2379`;
    await fleet.script('m3', `systemd-run -q --socket-property=ListenStream=2399 ${proxy}`);
    const list = ['list-machines', '--no-legend', '--fields', 'ip'];
    await expect
      .poll(async () => (await fleet.fleetctl(list, { via: 'm3' })).stdout, patience)
      .toContain(address);
    expect(await fleet.script('m3', daemon)).toBe(before);
    expect((await waits()).trim().split('\n')).toHaveLength(1);
    await fleet.script('m3', `mv /root/good.conf ${conf}; systemctl restart fleet`);
  });
});
