import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HollowResult } from '../../src/lab/hollow/result.ts';
import { run } from '../../src/lab/run.ts';
import { systemClock } from '../../src/lib/clock.ts';
import type { Revision } from '../../src/model/ids.ts';
import { reportCodec } from '../../src/registry/codec.ts';
import { EtcdStore } from '../../src/registry/etcd-store.ts';
import { Keys } from '../../src/registry/keys.ts';
import { type WatchEvent, withPrefix } from '../../src/registry/store.ts';
import { fleetlabPath, prepareCheckout, startFleetlab } from '../cluster/fleetlab.ts';
import { type EtcdServer, startEtcd } from './etcd-server.ts';

const etcdctl = promisify(execFile);
const never = new AbortController().signal;
const keys = new Keys('/fleetlab/hollow/');

let etcd: EtcdServer;
let store: EtcdStore;
beforeAll(async () => {
  await prepareCheckout();
  etcd = await startEtcd();
  const access = { endpoints: [etcd.endpoint], tls: null, login: null, requestTimeoutMs: 5_000 };
  store = new EtcdStore(access, systemClock);
});
afterAll(async () => {
  store.close();
  await etcd.stop();
});

/**
 * Sees every report that is ever stored, and who calls a unit active beside whom. A machine whose
 * lease ran out though it lives may have its old copy beside the new one (`OnPartition=keep`).
 */
class Witness {
  readonly twice: string[] = [];
  readonly everActive = new Set<string>();
  readonly #active = new Map<string, Set<string>>();
  readonly #everGone = new Set<string>();

  take(events: readonly WatchEvent[]): void {
    const touched = new Set<string>();
    for (const event of events) {
      const meaning = keys.meaning(event.kind === 'put' ? event.item.key : event.key);
      if (meaning.kind === 'machine' && event.kind === 'delete') {
        this.#everGone.add(meaning.machine);
      }
      if (meaning.kind !== 'report') continue;
      touched.add(meaning.unit);
      this.#note(meaning.unit, meaning.machine, event.kind === 'put' ? event.item.value : '');
    }
    // What happened in one revision happened at once.
    for (const unit of touched) {
      const machines = [...(this.#active.get(unit) ?? [])];
      const isExcused = machines.some((machine) => this.#everGone.has(machine));
      if (machines.length > 1 && !isExcused) this.twice.push(`${unit} on ${machines.join(', ')}`);
    }
  }

  #note(unit: string, machine: string, value: string): void {
    const report = reportCodec.decode(value);
    const machines = this.#active.get(unit) ?? new Set<string>();
    const isActive = report.ok && report.value.active === 'active';
    if (isActive) this.everActive.add(unit);
    if (isActive) machines.add(machine);
    else machines.delete(machine);
    this.#active.set(unit, machines);
  }
}

async function hollow(...args: readonly string[]): Promise<Awaited<ReturnType<typeof run>>> {
  return await run([fleetlabPath, ...hollowWords(), ...args]);
}

function hollowWords(): readonly string[] {
  return ['hollow', '--etcd', etcd.endpoint, '--agent-ttl', '5s'];
}

async function keyCount(): Promise<number> {
  const range = withPrefix(keys.prefix);
  const what = { range, limitCount: 1, keysOnly: true, revision: null };
  const answer = await store.range(what, never);
  return answer.ok ? answer.value.totalCount : Number.NaN;
}

async function leases(): Promise<string> {
  const { stdout } = await etcdctl('etcdctl', ['--endpoints', etcd.endpoint, 'lease', 'list'], {
    env: { ...process.env, ETCDCTL_API: '3' },
  });
  return stdout.trim();
}

describe('hollow machines', () => {
  it('run each unit once, take over from those that are lost, and leave nothing', async () => {
    const witness = new Witness();
    const watch = store.watch(keys.everything, 1n as Revision, {
      events: (events) => witness.take(events),
      alive: () => undefined,
      ended: () => witness.twice.push('the watch ended'),
    });
    const asked = ['--machines', '20', '--units', '200', '--fail', '2', '--processes', '2'];
    const ran = await hollow(...asked, '--leaders', '2', '-o', 'json');
    watch.stop();
    expect(ran.status, ran.stderr).toBe(0);
    const result = JSON.parse(ran.stdout) as HollowResult;
    expect(result.faults).toEqual([]);
    expect(result.lost?.lostUnitCount).toBeGreaterThan(0);
    expect([witness.everActive.size, witness.twice]).toEqual([200, []]);
    expect(await leases()).toBe('found 0 leases');
    expect(await keyCount()).toBe(0);
  });

  it('stay until Ctrl-C, and give every lease back', async () => {
    let words = '';
    let sawMachines = 0;
    const staying = startFleetlab('hollow', [...hollowWords(), '--machines', '5'], (heard) => {
      const isNew = !words.includes('Ctrl-C ends it');
      words += heard;
      if (!isNew || !words.includes('Ctrl-C ends it')) return;
      void leases().then((found) => {
        sawMachines = Number(/found (\d+)/.exec(found)?.[1]);
        staying.child.kill('SIGINT');
      });
    });
    expect([await staying.ended, words]).toEqual([0, expect.stringMatching(/5 machines regist/)]);
    expect(sawMachines).toBe(6); // and the fleetd that leads
    expect([await leases(), await keyCount()]).toEqual(['found 0 leases', 0]);
  });

  it('keep away from keys that are somebody else’s', async () => {
    const key = `${keys.prefix}cluster`;
    const put = { kind: 'put', key, value: '{}', leaseId: null } as const;
    await store.txn({ onlyIf: [], writes: [put] }, never);
    const ran = await hollow('--machines', '2');
    expect(ran.status).toBe(1);
    expect(ran.stderr).toContain('1 keys below /fleetlab/hollow/ are there already');
    expect(await keyCount()).toBe(1);
  });

  it('say what is wrong with what they are asked for', async () => {
    const bad = [
      [['--machines', 'many'], 'a number from 1 to'],
      [['--machines', '3', '--fail', '3'], 'there will be 3 machines'],
      [['--etcd', 'https://a:2379'], 'without TLS'],
      [['--key-prefix', 'x'], 'a path such as'],
    ] as const;
    for (const [args, words] of bad) {
      const ran = await hollow(...args);
      expect([ran.status === 0, ran.stderr]).toEqual([false, expect.stringContaining(words)]);
    }
  });
});
