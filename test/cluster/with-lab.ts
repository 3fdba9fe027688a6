// Real machines for the tests of this folder: each test file boots a lab of its own.
// Knows fleetlab's typed calls; knows nothing of engine, agent or registry.
// Start with withLab: `const lab = withLab()` on top of a file, `lab.exec('m1', […])` in a test.
import type { ChildProcess } from 'node:child_process';
import { afterAll, beforeAll } from 'vitest';
import { downLab } from '../../src/lab/down.ts';
import { execIn } from '../../src/lab/exec.ts';
import type { LabContext } from '../../src/lab/lab.ts';
import type { RunOptions, RunResult } from '../../src/lab/run.ts';
import type { LabStatus, MachineStatus } from '../../src/lab/status.ts';
import { labEnvironment, labStatus } from '../../src/lab/status.ts';
import type { UpOptions } from '../../src/lab/up.ts';
import { upLab } from '../../src/lab/up.ts';
import { guardLab } from '../builders/guard-lab.ts';
import { prepareCheckout } from './fleetlab.ts';

/** A lab that is up while the tests of a file run. */
export interface TestLab {
  /** For the calls of src/lab: `killMachine(lab.context, 'm2')`. */
  readonly context: LabContext;
  exec(machine: string, argv: readonly string[], options?: RunOptions): Promise<RunResult>;
  status(): Promise<LabStatus>;
  /** Throws when there is no machine of that name. */
  machine(name: string): Promise<MachineStatus>;
  /** FLEETCTL_ENDPOINT and the others, as `fleetlab env` prints them. */
  environment(): Promise<Readonly<Record<string, string>>>;
}

/** The name of this test process's lab: beside a user's lab, and beside another test run's. */
export function testLabName(): string {
  return `test-${process.pid}`;
}

/**
 * Boots a lab before the tests of this file and takes it down after them, whether they pass, fail
 * or are interrupted. Say what the file needs; three machines with TTL 3 s otherwise.
 */
export function withLab(options: UpOptions = {}): TestLab {
  const lines: string[] = [];
  const context: LabContext = { lab: testLabName(), say: (line) => lines.push(line) };
  let guard: ChildProcess | null = null;
  beforeAll(async () => {
    await prepareCheckout();
    guard = guardLab(context.lab);
    await downLab(context);
    await upLab(context, options);
  });
  afterAll(async () => {
    await downLab(context);
    guard?.stdin?.end();
  });
  const status = (): Promise<LabStatus> => labStatus(context.lab);
  return {
    context,
    exec: (machine, argv, runOptions) => execIn(context.lab, machine, argv, runOptions),
    status,
    machine: async (name) => {
      const machines = (await status()).machines;
      const found = machines.find((machine) => machine.name === name);
      if (found === undefined) throw new Error(`no machine ${name}; so far: ${lines.join('; ')}`);
      return found;
    },
    environment: () => labEnvironment(context.lab),
  };
}
