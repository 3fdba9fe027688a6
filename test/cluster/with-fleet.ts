// A cluster as its user, its operator and its etcd see it: what the tests of whole clusters share.
// Knows bin/fleetctl, systemctl and etcdctl; nothing of how fleetd is made.
// Start with withFleet: `const fleet = withFleet()` on top of a file.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect } from 'vitest';
import { runningIn } from '../../src/lab/drill/look.ts';
import type { Running } from '../../src/lab/drill/verdict.ts';
import type { RunOptions, RunResult } from '../../src/lab/run.ts';
import { run } from '../../src/lab/run.ts';
import type { MachineStatus } from '../../src/lab/status.ts';
import type { UpOptions } from '../../src/lab/up.ts';
import { type TestLab, withLab } from './with-lab.ts';

/** The program as a user types it. */
export const fleetctlPath = fileURLToPath(new URL('../../bin/fleetctl', import.meta.url));

/** How long anything may take on a computer that has much else to do. */
export const patience = { timeout: 60_000, interval: 100 } as const;

/** Where a cluster lies in etcd unless its fleet.conf says otherwise. */
const keyPrefix = '/_coreos.com/fleet/';

/** A key of the cluster as etcd holds it. */
export interface StoredKey {
  readonly value: string;
  readonly createRevision: number;
  /** Which lease it hangs on, in decimal digits; null for none. */
  readonly lease: string | null;
}

/** A cluster that is up while the tests of a file run. */
export interface TestFleet {
  readonly lab: TestLab;
  /** Runs bin/fleetctl; `via` names the machine it asks, or else any that runs. */
  fleetctl(args: readonly string[], options?: RunOptions & { readonly via?: string }): Call;
  /** As `fleetctl`, and the test fails unless it ends with status 0. Returns what it printed. */
  did(...args: readonly string[]): Promise<string>;
  /** Writes a unit file into this file's own folder and returns its path. */
  file(name: string, text: string): string;
  /** The copies that are active on the machines that run, partitioned ones included. */
  running(): Promise<readonly Running[]>;
  /** The machines on which a unit is active, such as `['m1']`; sorted. */
  placesOf(unit: string): Promise<readonly string[]>;
  /** Runs a script in a machine and returns what it printed; it must succeed. */
  script(machine: string, text: string): Promise<string>;
  /** All keys of the cluster in etcd, without their prefix; sorted. */
  keys(): Promise<readonly string[]>;
  /** null when etcd has no such key. */
  stored(key: string): Promise<StoredKey | null>;
  /** Whole seconds that a lease has left; -1 when etcd does not know it (any more). */
  leaseSecondsLeft(lease: string): Promise<number>;
  /** Takes a lease away from whoever holds it. */
  revokeLease(lease: string): Promise<void>;
  /** How many leases etcd has. */
  leaseCount(): Promise<number>;
  /** The name of the machine that leads; the test fails when none does in time. */
  leader(): Promise<string>;
  /** The machines that run and are joined to the network. */
  upMachines(): Promise<readonly MachineStatus[]>;
}

type Call = Promise<RunResult>;

/** Boots a cluster for the tests of this file (or this `describe`), with `withLab`. */
export function withFleet(options: UpOptions = {}): TestFleet {
  const lab = withLab(options);
  const folder = mkdtempSync(join(tmpdir(), 'flotilla-units-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const etcdctl = async (...args: readonly string[]): Promise<string> => {
    const { ETCDCTL_ENDPOINTS: endpoints } = await lab.environment();
    const variables = ['ETCDCTL_API=3', `ETCDCTL_ENDPOINTS=${endpoints}`];
    const ran = await run(['env', ...variables, 'etcdctl', '-w', 'json', ...args]);
    if (ran.status !== 0) throw new Error(`etcdctl ${args.join(' ')}: ${ran.stderr}`);
    return ran.stdout;
  };
  const fleet: TestFleet = {
    lab,
    fleetctl: async (args, { via, ...runOptions } = {}) => {
      const endpoint =
        via === undefined
          ? (await lab.environment())['FLEETCTL_ENDPOINT']
          : `http://${(await lab.machine(via)).address}:49153`;
      return run(['env', `FLEETCTL_ENDPOINT=${endpoint}`, fleetctlPath, ...args], runOptions);
    },
    did: async (...args) => {
      const ran = await fleet.fleetctl(args);
      expect(ran.status, `fleetctl ${args.join(' ')}: ${ran.stderr}`).toBe(0);
      return ran.stdout;
    },
    file: (name, text) => {
      const path = join(folder, name);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, text);
      return path;
    },
    running: async () => {
      const { machines } = await lab.status();
      const on = machines.filter(({ state }) => state === 'running' || state === 'partitioned');
      return (await Promise.all(on.map(({ name }) => runningOn(lab, name)))).flat();
    },
    placesOf: async (unit) => {
      const copies = (await fleet.running()).filter((copy) => copy.unit === unit);
      return copies.map(({ machine }) => machine).sort();
    },
    script: async (machine, text) => {
      const ran = await lab.exec(machine, ['bash', '-ec', text]);
      expect(ran.status, `${machine}: ${text}: ${ran.stderr}`).toBe(0);
      return ran.stdout;
    },
    keys: async () => {
      const answer = JSON.parse(await etcdctl('get', '--prefix', '--keys-only', keyPrefix)) as Keys;
      return (answer.kvs ?? []).map(({ key }) => decoded(key).slice(keyPrefix.length)).sort();
    },
    stored: async (key) => {
      const text = await etcdctl('get', `${keyPrefix}${key}`);
      // A lease's number does not fit into JavaScript's: kept as digits.
      const [found] =
        (JSON.parse(text.replace(/"lease":(\d+)/g, '"lease":"$1"')) as Keys).kvs ?? [];
      if (found === undefined) return null;
      const { value, create_revision: createRevision, lease } = found;
      return { value: decoded(value ?? ''), createRevision, lease: lease ?? null };
    },
    leaseSecondsLeft: async (lease) => {
      const answer = await etcdctl('lease', 'timetolive', BigInt(lease).toString(16));
      return (JSON.parse(answer) as { readonly ttl: number }).ttl;
    },
    revokeLease: async (lease) => {
      await etcdctl('lease', 'revoke', BigInt(lease).toString(16));
    },
    leaseCount: async () => {
      const answer = JSON.parse(await etcdctl('lease', 'list')) as { readonly leases?: unknown[] };
      return answer.leases?.length ?? 0;
    },
    leader: async () => {
      let name: string | undefined;
      await expect
        .poll(async () => {
          const key = await fleet.stored('engine/leader');
          const { machine } = JSON.parse(key?.value ?? '{}') as { readonly machine?: string };
          name = (await lab.status()).machines.find(({ id }) => id === machine)?.name;
          return name;
        }, patience)
        .toBeDefined();
      return name ?? '';
    },
    upMachines: async () => {
      return (await lab.status()).machines.filter(({ state }) => state === 'running');
    },
  };
  return fleet;
}

interface Keys {
  readonly kvs?: readonly {
    readonly key: string;
    readonly value?: string;
    readonly create_revision: number;
    readonly lease?: string;
  }[];
}

function decoded(base64: string): string {
  return Buffer.from(base64, 'base64').toString();
}

/** Asks systemd about every unit whose file we find, whatever fleetd believes. */
async function runningOn(lab: TestLab, machine: string): Promise<readonly Running[]> {
  const show = 'systemctl show --property=Id,ActiveState,InvocationID --';
  const { stdout } = await lab.exec(machine, [
    'sh',
    '-c',
    `ls /run/fleet/units 2>/dev/null | grep -v '@\\.' | xargs -r -d '\\n' ${show}`,
  ]);
  return runningIn(stdout, machine);
}

/** `m1 web.service` to InvocationID, for comparison. Without `except`, those of all machines. */
export function invocations(
  copies: readonly Running[],
  except: readonly string[] = [],
): Readonly<Record<string, string>> {
  const kept = copies.filter(({ machine }) => !except.includes(machine));
  const named = kept.map(({ unit, machine, invocationId }) => [`${machine} ${unit}`, invocationId]);
  return Object.fromEntries(named.sort());
}

/** A service that runs until it is stopped, and what else its file says. */
export function sleeper(...lines: readonly string[]): string {
  return ['[Service]', 'ExecStart=/usr/bin/sleep infinity', ...lines, ''].join('\n');
}

/** The same with an [X-Fleet] section. */
export function placed(...options: readonly string[]): string {
  return sleeper('', '[X-Fleet]', ...options);
}
