import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type StoreWatch, watchStore } from '../src/lab/drill/store-watch.ts';
import { enterArgv, execIn } from '../src/lab/exec.ts';
import { pathInside } from '../src/lab/faults/fault.ts';
import type { LabContext } from '../src/lab/lab.ts';
import { ports } from '../src/lab/names.ts';
import { machineNamed, readLab } from '../src/lab/record.ts';
import { run } from '../src/lab/run.ts';
import { labEnvironment, labStatus } from '../src/lab/status.ts';

const fleetctlPath = fileURLToPath(new URL('../dist/bin/fleetctl.cjs', import.meta.url));

/** No wait of a benchmark is longer: whatever takes so long is broken, not slow. */
const patienceMs = 120_000;

const triesMax = 5;

/** A real machine of the lab. */
export interface BenchMachine {
  readonly name: string;
  readonly id: string;
  readonly address: string;
}

/** The cluster of a run as its user, its etcd and its machines' systemd see it. */
export class BenchFleet {
  readonly context: LabContext;
  readonly machines: readonly BenchMachine[];
  readonly #folder = mkdtempSync(join(tmpdir(), 'flotilla-bench-units-'));

  constructor(context: LabContext, machines: readonly BenchMachine[]) {
    this.context = context;
    this.machines = machines;
  }

  /** Runs the built fleetctl as a user would; it must succeed. Returns what it printed. */
  async fleetctl(...args: readonly string[]): Promise<string> {
    const { FLEETCTL_ENDPOINT: endpoint = '' } = await labEnvironment(this.context.lab);
    const flags = ['--endpoint', endpoint, '--request-timeout=60s'];
    const ran = await run([process.execPath, fleetctlPath, ...flags, ...args]);
    if (ran.status === 0) return ran.stdout;
    throw new Error(`fleetctl ${args.slice(0, 3).join(' ')}: ${ran.stderr.slice(0, 500)}`);
  }

  /** As `fleetctl`, for what is not measured: on a busy computer etcd may be late once. */
  async insist(...args: readonly string[]): Promise<void> {
    for (let tryCount = 1; ; tryCount += 1) {
      try {
        await this.fleetctl(...args);
        return;
      } catch (error) {
        if (tryCount >= triesMax) throw error;
      }
    }
  }

  /** Writes a unit file and returns its path. */
  file(name: string, text: string): string {
    const path = join(this.#folder, name);
    writeFileSync(path, text);
    return path;
  }

  /** Watches all that the cluster writes, through the members that run. */
  async watch(): Promise<StoreWatch> {
    const { ETCDCTL_ENDPOINTS: endpoints = '' } = await labEnvironment(this.context.lab);
    return watchStore(endpoints);
  }

  /** Where etcdctl finds the members that run. */
  async endpoints(): Promise<string> {
    return (await labEnvironment(this.context.lab))['ETCDCTL_ENDPOINTS'] ?? '';
  }

  /** Runs a script in a machine; it must succeed. Returns what it printed. */
  async script(machine: string, text: string): Promise<string> {
    const ran = await execIn(this.context.lab, machine, ['bash', '-ec', text]);
    if (ran.status === 0) return ran.stdout;
    throw new Error(`${machine}: ${text}: ${ran.stderr}`);
  }

  /** Writes a file onto the disk of a machine. */
  put(machine: string, path: string, text: string): void {
    writeFileSync(pathInside(machineNamed(readLab(this.context.lab), machine), path), text);
  }

  /** Starts a program in a machine, with pipes to its input and output. */
  spawnIn(machine: string, argv: readonly string[]): ChildProcess {
    const record = machineNamed(readLab(this.context.lab), machine);
    const [program = '', ...args] = enterArgv(record, argv);
    return spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  }

  /** Where the fleetd of a machine answers. */
  api(machine: BenchMachine): string {
    return `http://${machine.address}:${ports.fleetd}`;
  }

  /** Takes down all that runs, and waits until nothing is left of it. */
  async clear(): Promise<void> {
    const listed = await this.fleetctl('list-unit-files', '--fields=unit', '--no-legend');
    const names = listed.split('\n').filter((name) => name !== '');
    if (names.length > 0) await this.fleetctl('destroy', '--timeout=2m', ...names);
  }

  /** Removes what this process wrote on the disk; the machines stay. */
  close(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** The cluster that a lab is. */
export async function fleetOf(context: LabContext): Promise<BenchFleet> {
  const { machines } = await labStatus(context.lab);
  return new BenchFleet(
    context,
    machines.map(({ name, id, address }) => ({ name, id, address })),
  );
}

/** When the last of these units was seen active in etcd, on whichever machine. */
export function seenActive(watch: StoreWatch, units: readonly string[]): Promise<number> {
  const open = new Set(units);
  return lastOf(watch, 'active', open, ({ key, value }) => {
    const [, kind, unit] = /^(state)\/[^/]+\/(.+)$/.exec(key) ?? [];
    const isActive = kind !== undefined && value?.includes('"active":"active"') === true;
    return isActive ? (unit ?? null) : null;
  });
}

/** When etcd had no record of the last of these units any more. */
export function seenGone(watch: StoreWatch, units: readonly string[]): Promise<number> {
  const open = new Set(units);
  return lastOf(watch, 'gone', open, ({ key, value }) =>
    value === null && key.startsWith('units/') ? key.slice('units/'.length) : null,
  );
}

/** When the last of `open` was named by an event, in milliseconds of the monotonic clock. */
async function lastOf(
  watch: StoreWatch,
  what: string,
  open: Set<string>,
  unitOf: (event: { readonly key: string; readonly value: string | null }) => string | null,
): Promise<number> {
  const last = await watch.until((event) => {
    const unit = unitOf(event);
    return unit !== null && open.delete(unit) && open.size === 0;
  }, patienceMs);
  if (last !== null) return last.atMs;
  const some = [...open].slice(0, 3).join(', ');
  throw new Error(`${open.size} units were not ${what} after ${patienceMs} ms, such as ${some}`);
}
