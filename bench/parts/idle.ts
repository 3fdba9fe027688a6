import { setTimeout as sleep } from 'node:timers/promises';
import { BareRenewals } from '../bare-renewals.ts';
import { type BenchFleet, fleetOf, seenActive } from '../fleet.ts';
import { atMost, told } from '../goal.ts';
import type { BenchPart, Figure, Row } from '../part.ts';
import { addedUp, ratesOf, samplesBy } from '../prometheus.ts';
import { sleeper } from '../unit-text.ts';

/** A lease is renewed so often in each TTL. */
const renewalsPerTtl = 3;
/** Of the lab's fleet.conf. */
const ttlS = 3;

/** Whatever follows a start has happened: three looks at the heap, and the passes that tidy it. */
const quietMs = 65_000;

/** What `npm run bench -- idle` runs. */
export const part: BenchPart = {
  measures: 'a cluster of three real machines that has nothing to do: requests to etcd, and CPU',
  async measure({ size, say, lab }) {
    const [unitCount, beforeMs, watchedMs] =
      size === 'full' ? [300, quietMs, 60_000] : [6, 500, 2_000];
    const fleet = await fleetOf(await lab());
    try {
      const everyMs = (ttlS * 1_000) / renewalsPerTtl;
      await using bare = await BareRenewals.start(fleet.machines.length, everyMs);
      say(`starting ${unitCount} units`);
      await startUnits(fleet, unitCount);
      await sleep(beforeMs);
      say(`watching for ${watchedMs / 1000} s`);
      const before = await look(fleet, bare);
      await sleep(watchedMs);
      const after = await look(fleet, bare);
      await fleet.clear();
      return rowsOf(before, after, { unitCount, machineCount: fleet.machines.length });
    } finally {
      fleet.close();
    }
  },
};

async function startUnits(fleet: BenchFleet, unitCount: number): Promise<void> {
  const template = fleet.file('idle@.service', sleeper);
  const names = Array.from({ length: unitCount }, (_, index) => `idle@${index + 1}.service`);
  const watch = await fleet.watch();
  try {
    const active = seenActive(watch, names);
    const paths = names.map((name) => template.replace('idle@.service', name));
    await fleet.insist('start', '--no-block', ...paths);
    await active;
  } finally {
    watch.stop();
  }
}

interface Look {
  readonly atMs: number;
  /** Messages that etcd's members were sent, by method. */
  readonly received: ReadonlyMap<string, number>;
  /** Requests as fleetd counts them, by kind. */
  readonly sent: ReadonlyMap<string, number>;
  /** Nanoseconds on a processor. */
  readonly cpuNs: { readonly fleetd: number; readonly etcd: number; readonly bare: number };
}

async function look(fleet: BenchFleet, bare: BareRenewals): Promise<Look> {
  const text = async (url: string): Promise<string> => (await fetch(url)).text();
  const etcdTexts = await Promise.all(
    (await fleet.endpoints()).split(',').map((endpoint) => text(`${endpoint}/metrics`)),
  );
  const ourTexts = await Promise.all(
    fleet.machines.map((machine) => text(`${fleet.api(machine)}/metrics`)),
  );
  const cpu = await Promise.all(fleet.machines.map(({ name }) => cpuIn(fleet, name)));
  const received = 'grpc_server_msg_received_total';
  const sent = 'fleet_registry_operation_count_total';
  return {
    atMs: performance.now(),
    received: addedUp(etcdTexts.map((one) => samplesBy(one, received, 'grpc_method'))),
    sent: addedUp(ourTexts.map((one) => samplesBy(one, sent, 'type'))),
    cpuNs: {
      fleetd: cpu.reduce((sum, [fleetd]) => sum + fleetd, 0),
      etcd: cpu.reduce((sum, [, etcd]) => sum + etcd, 0),
      bare: bare.cpuNs(),
    },
  };
}

/** Nanoseconds that the threads of fleetd and of etcd have run on a machine. */
async function cpuIn(fleet: BenchFleet, machine: string): Promise<readonly [number, number]> {
  const sum = `awk '{ sum += $1 } END { printf "%.0f\\n", sum }'`;
  const script = `for unit in fleet etcd; do
    pid=$(systemctl show --property=MainPID --value $unit.service)
    cat /proc/$pid/task/*/schedstat | ${sum}
  done`;
  const [fleetd = 0, etcd = 0] = (await fleet.script(machine, script)).split('\n').map(Number);
  return [fleetd, etcd];
}

function rowsOf(
  before: Look,
  after: Look,
  { unitCount, machineCount }: { readonly unitCount: number; readonly machineCount: number },
): readonly Row[] {
  const seconds = (after.atMs - before.atMs) / 1000;
  const received = ratesOf(before.received, after.received, seconds);
  const sent = ratesOf(before.sent, after.sent, seconds);
  const who = `${unitCount} units, ${machineCount} machines`;
  const percent = (what: string, of: keyof Look['cpuNs']): Figure => ({
    what,
    value: ((after.cpuNs[of] - before.cpuNs[of]) / 1e9 / seconds) * 100,
    unit: '% of a core',
  });
  const total = (rates: ReadonlyMap<string, number>, what: string): Figure => ({
    ...{ what, value: [...rates.values()].reduce((sum, rate) => sum + rate, 0), unit: '/s' },
  });
  const renewals = (machineCount * renewalsPerTtl) / ttlS;
  // A renewal more or less of each machine falls into the minute, as chance has it.
  const most = Math.ceil((renewals + machineCount / seconds) * 100) / 100;
  return [
    atMost(
      total(received, `${who}: requests that etcd gets`),
      most,
      total(sent, 'as fleetd counts them'),
    ),
    ...[...received].map(([method, value]) =>
      told({ what: `of these: ${method}`, value, unit: '/s' }),
    ),
    atMost(
      percent(`${who}: CPU of all fleetd`, 'fleetd'),
      0.5,
      percent(`${machineCount} Nodes that renew a lease each, and nothing else`, 'bare'),
    ),
    told(percent(`${who}: CPU of etcd`, 'etcd')),
  ];
}
