import { setTimeout as sleep } from 'node:timers/promises';
import type { StoreEvent, StoreWatch } from '../../src/lab/drill/store-watch.ts';
import { systemClock } from '../../src/lib/clock.ts';
import type { Revision } from '../../src/model/ids.ts';
import { EtcdStore } from '../../src/registry/etcd-store.ts';
import { withPrefix } from '../../src/registry/store.ts';
import { type BenchFleet, fleetOf, seenActive } from '../fleet.ts';
import { atMost, quantile, told } from '../goal.ts';
import type { BenchPart, Figure, Row } from '../part.ts';
import { sleeper } from '../unit-text.ts';

const never = new AbortController().signal;

/** How long the cluster has nothing to do between two submissions. */
const pauseMs = 50;

/** When things happened to one unit, in milliseconds after its submission was sent. */
interface Steps {
  readonly answered: number;
  readonly stored: number;
  readonly ordered: number;
  readonly started: number;
  readonly reported: number;
}

/** What `npm run bench -- start-latency` runs. */
export const part: BenchPart = {
  measures: 'one unit submitted to an idle cluster: until systemd is asked to start it, and before',
  async measure({ size, say, lab }) {
    const unitCount = size === 'full' ? 200 : 3;
    const fleet = await fleetOf(await lab());
    try {
      const bare = await bareMs(fleet, unitCount);
      say(`submitting ${unitCount} units, one after the other`);
      const steps = await submitted(fleet, unitCount);
      await fleet.clear();
      return rowsOf(steps, bare);
    } finally {
      fleet.close();
    }
  },
};

async function submitted(fleet: BenchFleet, unitCount: number): Promise<readonly Steps[]> {
  const wallMs = Date.now() - systemClock.nowMs(); // what a journal's time is ahead of our clock
  const [machine] = fleet.machines;
  if (machine === undefined) throw new Error('the lab has no machines');
  const sent = new Map<string, { readonly atMs: number; readonly answeredAtMs: number }>();
  const watch = await fleet.watch();
  try {
    for (let index = 1; index <= unitCount; index += 1) {
      const name = `prompt-${index}.service`;
      const active = seenActive(watch, [name]);
      const atMs = systemClock.nowMs();
      await put(`${fleet.api(machine)}/fleet/v1/units/${name}`);
      sent.set(name, { atMs, answeredAtMs: systemClock.nowMs() });
      await active;
      await sleep(pauseMs);
    }
    const asked = await askedAt(fleet);
    return [...sent].map(([name, { atMs, answeredAtMs }]) => {
      const started = (asked.get(name) ?? Number.NaN) - wallMs - atMs;
      const first = (test: (event: StoreEvent) => boolean): number => firstAt(watch, test) - atMs;
      // Our watch may be shown a write after others were, and acted on it.
      const isOrder = ({ key }: StoreEvent): boolean =>
        key.startsWith('work/') && key.endsWith(`/${name}`);
      const ordered = Math.min(first(isOrder), started);
      const stored = Math.min(
        first(({ key }) => key === `units/${name}`),
        ordered,
      );
      return {
        ...{ answered: answeredAtMs - atMs, stored, ordered, started },
        reported: first(
          ({ key, value }) =>
            key.startsWith('state/') &&
            key.endsWith(`/${name}`) &&
            value?.includes('"active":"active"') === true,
        ),
      };
    });
  } finally {
    watch.stop();
  }
}

async function put(url: string): Promise<void> {
  const body = JSON.stringify({
    desiredState: 'launched',
    options: [{ section: 'Service', name: 'ExecStart', value: '/usr/bin/sleep infinity' }],
    text: sleeper,
  });
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(url, { method: 'PUT', headers, body });
  const said = await answer.text();
  if (!answer.ok) throw new Error(`${url}: ${answer.status} ${said}`);
}

/** When each unit's StartUnit call went out, by the journal: machines have this computer's clock. */
async function askedAt(fleet: BenchFleet): Promise<ReadonlyMap<string, number>> {
  const asked = new Map<string, number>();
  for (const { name } of fleet.machines) {
    const lines = await fleet.script(name, 'journalctl --unit=fleet.service --output=json --quiet');
    for (const line of lines.split('\n').filter((one) => one.includes('asked systemd to start'))) {
      const entry = JSON.parse(line) as { MESSAGE: string; __REALTIME_TIMESTAMP: string };
      const { unit } = JSON.parse(entry.MESSAGE) as { readonly unit: string };
      asked.set(unit, Number(entry.__REALTIME_TIMESTAMP) / 1000);
    }
  }
  return asked;
}

function firstAt(watch: StoreWatch, test: (event: StoreEvent) => boolean): number {
  return watch.events.find(test)?.atMs ?? Number.NaN;
}

/** What cannot be saved: two writes to that etcd, the second once a watch has shown the first. */
async function bareMs(fleet: BenchFleet, count: number): Promise<readonly number[]> {
  const endpoints = (await fleet.endpoints()).split(',');
  const access = { endpoints, tls: null, login: null, requestTimeoutMs: 5_000 };
  const store = new EtcdStore(access, systemClock);
  const took: number[] = [];
  const prefix = '/flotilla-bench/';
  let shown: () => void = () => undefined;
  const write = async (key: string): Promise<void> => {
    const isShown = new Promise<void>((resolve) => {
      shown = resolve;
    });
    const writes = [
      { kind: 'put', key: `${prefix}${key}`, value: sleeper, leaseId: null },
    ] as const;
    await store.txn({ onlyIf: [], writes }, never);
    await isShown;
  };
  const { revision } = await store.txn({ onlyIf: [], writes: [] }, never);
  const watch = store.watch(withPrefix(prefix), (revision + 1n) as Revision, {
    events: () => shown(),
    alive: () => undefined,
    ended: (why) => {
      throw new Error(`the watch of the baseline is ${why}`);
    },
  });
  try {
    for (let index = 0; index < count; index += 1) {
      const startMs = systemClock.nowMs();
      await write('units/one');
      await write('work/one');
      took.push(systemClock.nowMs() - startMs);
      await sleep(pauseMs);
    }
    const writes = ['units/one', 'work/one'].map((key) => ({
      ...({ kind: 'delete', key: `${prefix}${key}` } as const),
    }));
    await store.txn({ onlyIf: [], writes }, never);
    return took;
  } finally {
    watch.stop();
    store.close();
  }
}

function rowsOf(steps: readonly Steps[], bare: readonly number[]): readonly Row[] {
  const figure = (what: string, values: readonly number[], share: number): Figure => ({
    ...{ what, value: quantile(values, share), unit: 'ms' },
  });
  const started = steps.map((one) => one.started);
  const what = 'submit to StartUnit';
  const beside = 'two etcd writes, each seen by a watch';
  const median = (name: string, pick: (one: Steps) => number): Row =>
    told(figure(`p50 of that: ${name}`, steps.map(pick), 0.5));
  return [
    atMost(figure(`${what}, p50`, started, 0.5), 30, figure(`${beside}, p50`, bare, 0.5)),
    atMost(figure(`${what}, p99`, started, 0.99), 75, figure(`${beside}, p99`, bare, 0.99)),
    median('the submission is in etcd', ({ stored }) => stored),
    median('it is answered', ({ answered }) => answered),
    median("then the leader's order is in etcd", ({ ordered, stored }) => ordered - stored),
    median('then systemd is asked', ({ started: at, ordered }) => at - ordered),
    median('then etcd knows that it is active', ({ reported, started: at }) => reported - at),
  ];
}
