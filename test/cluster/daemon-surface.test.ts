import { Agent, get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type {
  MachinePageBody,
  MetadataOperationBody,
  UnitBody,
  UnitStateWord,
} from '../../src/api/schema.ts';
import { ports } from '../../src/lab/names.ts';
import { bootMachine, killMachine } from '../../src/lab/power.ts';
import { withLab } from './with-lab.ts';

const lab = withLab();
const names = ['m1', 'm2', 'm3'] as const;
type Name = (typeof names)[number];

const waitMsMax = 60_000;

/** Looks again and again until it is so; says what it saw last when it never is. */
async function until<T>(look: () => Promise<T>, isSo: (seen: T) => boolean): Promise<T> {
  const deadlineMs = Date.now() + waitMsMax;
  for (;;) {
    const seen = await look();
    if (isSo(seen)) return seen;
    if (Date.now() > deadlineMs) throw new Error(`it stayed ${JSON.stringify(seen)}`);
    await sleep(100);
  }
}

async function urlOf(name: Name, path: string): Promise<string> {
  return `http://${(await lab.machine(name)).address}:${ports.fleetd}${path}`;
}

async function send(name: Name, method: string, path: string, body?: object): Promise<number> {
  const answer = await fetch(await urlOf(name, `/fleet/v1${path}`), {
    method,
    ...(body && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  });
  await answer.text();
  return answer.status;
}

async function unitOn(name: Name, unit: string): Promise<UnitBody> {
  const answer = await fetch(await urlOf(name, `/fleet/v1/units/${unit}`));
  return (await answer.json()) as UnitBody;
}

async function metadataOf(asked: Name, name: Name): Promise<Readonly<Record<string, string>>> {
  const { id } = await lab.machine(name);
  const answer = await fetch(await urlOf(asked, '/fleet/v1/machines'));
  const { machines } = (await answer.json()) as MachinePageBody;
  return machines.find((machine) => machine.id === id)?.metadata ?? {};
}

async function patch(
  asked: Name,
  ...operations: readonly (readonly [MetadataOperationBody['op'], Name, string, string?])[]
): Promise<void> {
  const body = await Promise.all(
    operations.map(async ([op, name, key, value]) => {
      const { id } = await lab.machine(name);
      return { op, path: `/${id}/metadata/${key}`, ...(value === undefined ? {} : { value }) };
    }),
  );
  expect(await send(asked, 'PATCH', '/machines', body)).toBe(204);
}

/** The unit, once it is that far on that machine. */
async function arrived(unit: string, state: UnitStateWord, on: Name): Promise<UnitBody> {
  const { id } = await lab.machine(on);
  return until(
    () => unitOn(on === 'm1' ? 'm2' : 'm1', unit),
    (body) => body.currentState === state && body.machineID === id,
  );
}

/** The value of a metric without labels, or with exactly these. */
async function metric(name: Name, key: string): Promise<number> {
  const text = await (await fetch(await urlOf(name, '/metrics'))).text();
  const line = text.split('\n').find((candidate) => candidate.startsWith(`${key} `));
  return Number(line?.slice(key.length) ?? Number.NaN);
}

async function leaders(): Promise<readonly Name[]> {
  const found: Name[] = [];
  for (const name of names) {
    const isLeader = await metric(name, 'fleet_engine_is_leader').catch(() => 0);
    if (isLeader === 1) found.push(name);
  }
  return found;
}

async function script(name: Name, text: string, input = ''): Promise<string> {
  const ran = await lab.exec(name, ['sh', '-ec', text], { input });
  expect(ran).toMatchObject({ status: 0 });
  return ran.stdout.trim();
}

const sleeper = '[Service]\nExecStart=/bin/sleep infinity\n';

describe('metadata at run time', () => {
  it('places a unit that waited for it, and moves it when it no longer fits', async () => {
    const text = `${sleeper}[X-Fleet]\nMachineMetadata=tier=front\n`;
    await send('m1', 'PUT', '/units/front.service', { desiredState: 'launched', text });
    const waiting = await until(
      () => unitOn('m1', 'front.service'),
      ({ placement }) => placement !== null,
    );
    expect(waiting).not.toHaveProperty('machineID');
    await patch('m1', ['add', 'm2', 'tier', 'front']);
    await arrived('front.service', 'launched', 'm2');
    await patch('m2', ['remove', 'm2', 'tier'], ['add', 'm3', 'tier', 'front']);
    const moved = await arrived('front.service', 'launched', 'm3');
    expect(moved.placement?.reason).toContain('tier');
    await until(
      () => lab.exec('m2', ['systemctl', 'is-active', 'front.service']),
      ({ stdout }) => stdout.trim() !== 'active',
    );
  });

  it('leaves a unit alone that still fits', async () => {
    const pid = await script('m3', 'systemctl show -p MainPID --value front.service');
    await patch('m1', ['replace', 'm3', 'rack', 'r9'], ['add', 'm1', 'tier', 'front']);
    await until(
      () => metadataOf('m1', 'm3'),
      (metadata) => metadata['rack'] === 'r9',
    );
    expect(await script('m3', 'systemctl show -p MainPID --value front.service')).toBe(pid);
  });

  it('outlives the absence of its machine', async () => {
    await killMachine(lab.context, 'm3');
    await arrived('front.service', 'launched', 'm1'); // which has had tier=front for a while
    await patch('m1', ['replace', 'm3', 'rack', 'r10']); // while it is away
    await bootMachine(lab.context, 'm3');
    const metadata = await until(
      () => metadataOf('m1', 'm3'),
      (seen) => 'rack' in seen,
    );
    expect(metadata).toMatchObject({ rack: 'r10', tier: 'front' });
  });
});

describe('a reload', () => {
  it('changes metadata without dropping a connection', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const url = await urlOf('m1', '/fleet/v1/machines');
    const ask = (): Promise<boolean> =>
      new Promise((resolve, reject) => {
        const request = get(url, { agent }, (answer) => {
          answer.resume();
          answer.once('end', () => resolve(request.reusedSocket));
        });
        request.once('error', reject);
      });
    expect(await ask()).toBe(false);
    await script('m1', 'echo metadata=room=cellar >> /etc/fleet/fleet.conf');
    await script('m1', 'systemctl reload fleet.service');
    await until(
      () => metadataOf('m2', 'm1'),
      (metadata) => metadata['room'] === 'cellar',
    );
    expect(await ask()).toBe(true);
    agent.destroy();
  });

  it('names what waits for a restart, and keeps going on a mistake', async () => {
    await script('m1', 'echo agent_ttl=7s >> /etc/fleet/fleet.conf');
    await script('m1', 'systemctl reload fleet.service');
    const journal = () => script('m1', 'journalctl -u fleet.service -o cat --no-pager');
    const said = await until(journal, (text) => text.includes('wait for a restart'));
    expect(said).toContain('"settings":["agent_ttl"]');
    await script('m1', 'echo agent_ttl=soon >> /etc/fleet/fleet.conf');
    await script('m1', 'systemctl reload fleet.service');
    await until(journal, (text) => text.includes('not usable, keeping the one before'));
    expect(await send('m1', 'GET', '/machines')).toBe(200);
    await script('m1', "sed -i '/^agent_ttl=\\(7s\\|soon\\)$/d' /etc/fleet/fleet.conf");
  });

  it('does not stop a unit or the daemon', async () => {
    const count = await script('m1', 'systemctl show -p NRestarts --value fleet.service');
    expect(count).toBe('0');
    expect(await script('m1', 'systemctl is-active front.service')).toBe('active');
  });
});

describe('SIGUSR1', () => {
  it('writes what the daemon knows to the journal', async () => {
    const [leader = 'm1'] = await until(leaders, (found) => found.length === 1);
    for (const name of new Set(['m1', leader] as const)) {
      await script(name, 'systemctl kill --kill-who=main -s USR1 fleet.service');
    }
    const dumps = (name: Name) => script(name, 'journalctl -u fleet.service -o cat --no-pager');
    const own = await until(
      () => dumps('m1'),
      (text) => text.includes('"part":"waits"'),
    );
    expect(own).toMatch(/"part":"orders".*front\.service.*"want":"launch"/);
    const whole = await until(
      () => dumps(leader),
      (text) => text.includes('"part":"units"'),
    );
    expect(whole).toMatch(/"part":"units".*front\.service/);
  });
});

describe('disable_engine', () => {
  it('keeps a machine from leading', async () => {
    for (const name of ['m1', 'm2'] as const) {
      await script(name, 'echo disable_engine=true >> /etc/fleet/fleet.conf');
      await script(name, 'systemctl restart fleet.service');
    }
    await until(leaders, (found) => found.join() === 'm3');
    expect(await metric('m3', 'fleet_engine_term')).toBeGreaterThan(0);
    await script('m3', 'systemctl stop fleet.service');
    await until(leaders, (found) => found.length === 0);
    // Its leadership hangs on its lease: once that is over, others could lead.
    const { id } = await lab.machine('m3');
    await until(
      async () => (await fetch(await urlOf('m1', '/fleet/v1/machines'))).text(),
      (text) => !text.includes(id),
    );
    await send('m1', 'PUT', '/units/late.service', { desiredState: 'launched', text: sleeper });
    expect(await leaders()).toEqual([]);
    expect(await unitOn('m1', 'late.service')).toMatchObject({ placement: null, machines: [] });
    await script('m2', "sed -i '/^disable_engine/d' /etc/fleet/fleet.conf");
    await script('m2', 'systemctl restart fleet.service');
    await until(leaders, (found) => found.join() === 'm2');
    await until(
      () => unitOn('m1', 'late.service'),
      ({ currentState }) => currentState === 'launched',
    );
    await script('m3', 'systemctl start fleet.service');
  });
});

describe('socket activation', () => {
  it('serves every socket of fleet.socket, also over a restart of the daemon', async () => {
    const unit = await script('m1', 'cat > /etc/systemd/system/fleet.socket', await socketUnit());
    expect(unit).toBe('');
    await script('m1', 'getent group fleet >/dev/null || groupadd --system fleet');
    await script('m1', "sed -i '/^api_listen/d' /etc/fleet/fleet.conf");
    await script('m1', 'systemctl daemon-reload; systemctl stop fleet.service');
    await script('m1', 'systemctl start fleet.socket; systemctl start fleet.service');
    const pid = await script('m1', 'systemctl show -p MainPID --value front.service');
    const over = (target: string) => script('m1', `curl -sS -i ${target}/fleet/v1/machines`);
    for (const target of ['--unix-socket /run/fleet.sock http://fleet', 'http://127.0.0.1:49200']) {
      await until(
        () => over(target),
        (answer) => answer.startsWith('HTTP/1.1 200 '),
      );
    }
    expect(await script('m1', 'stat -c "%a %G" /run/fleet.sock')).toBe('660 fleet');
    const answers = await script(
      'm1',
      '(for i in 1 2 3; do systemctl restart fleet.service; done) & while kill -0 $!; do ' +
        'for what in discovery machines; do curl -sS --max-time 20 -o /tmp/answer ' +
        '-w "$what %{http_code} " --unix-socket /run/fleet.sock http://fleet/fleet/v1/$what; ' +
        'grep -h \'"error"\' /tmp/answer || echo; done; done 2>/dev/null',
    );
    // That etcd was slow on a computer with much to do is not about sockets.
    const told = answers
      .split('\n')
      .filter((line) => !line.includes('did not answer: nothing came'));
    expect(new Set(told.map((line) => line.trim()))).toEqual(
      new Set(['discovery 200', 'machines 200']),
    );
    expect(await script('m1', 'systemctl show -p MainPID --value front.service')).toBe(pid);
  });
});

async function socketUnit(): Promise<string> {
  const { readFile } = await import('node:fs/promises');
  const text = await readFile(new URL('../../units/fleet.socket', import.meta.url), 'utf8');
  return text.replace('#ListenStream=127.0.0.1:49153', 'ListenStream=127.0.0.1:49200');
}

describe('metrics', () => {
  it('have the names of fleet 1.0, and say that we restarted nothing', async () => {
    await until(leaders, (found) => found.length === 1);
    const text = await (await fetch(await urlOf('m2', '/metrics'))).text();
    for (const name of [
      'engine_leader_start_time',
      'engine_task_count_total',
      'engine_task_failure_count_total',
      'engine_reconcile_count_total',
      'engine_reconcile_duration_second',
      'engine_reconcile_failure_count_total',
      'registry_operation_count_total',
      'registry_operation_failed_count_total',
      'registry_operation_duration_second',
    ]) {
      expect(text).toContain(`# TYPE fleet_${name} `);
    }
    for (const name of ['m2', 'm3'] as const) {
      expect(await metric(name, 'fleet_agent_restarts_caused_total')).toBe(0);
    }
    const socket = 'curl -sS --unix-socket /run/fleet.sock http://fleet/metrics';
    expect(await script('m1', socket)).toContain('\nfleet_agent_restarts_caused_total 0\n');
  });
});
