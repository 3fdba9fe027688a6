// faults: what can go wrong with a machine of the lab, and its undo; a file a kind.
// Must not know what fleetd makes of them: a fault is what an administrator or bad luck could do.
// Start with fault-list.ts, the table of all of them; inflict.ts brings them about and undoes them.
import { runInside } from '../exec.ts';
import { initOf } from '../machine-process.ts';
import type { LabRecord, MachineRecord } from '../record.ts';
import { labFailed } from '../trouble.ts';

/** Where a fault strikes. */
export interface FaultSite {
  readonly record: LabRecord;
  readonly machine: MachineRecord;
  readonly say: (line: string) => void;
}

/** One thing that can go wrong with a machine. */
export interface Fault {
  /** What a user types. */
  readonly name: string;
  /** One line, as the help shows it. */
  readonly about: string;
  /** Does it need an etcd member on the machine? */
  readonly needsEtcd?: boolean;
  /** Does it outlast a power cut, being on the disk? The others are gone with the machine's `/run`. */
  readonly isOnDisk?: boolean;
  /** Throws `lab/failed` where it cannot be brought about; nothing has been done by then. */
  readonly require?: (site: FaultSite) => void;
  /** Brings it about. Throws `lab/failed` when it cannot. */
  readonly inflict: (site: FaultSite) => Promise<void>;
  /** Undoes it, also when `inflict` ended halfway; null for what is over once it has happened. */
  readonly heal: ((site: FaultSite) => Promise<void>) | null;
}

/** Runs a script in the machine, which must succeed, and returns what it printed. */
export async function inside(site: FaultSite, script: string): Promise<string> {
  const { machine } = site;
  const ran = await runInside(machine, ['sh', '-ec', script]);
  if (ran.status === 0) return ran.stdout;
  throw labFailed(
    `${machine.name}: '${script.trim()}' ended with status ${ran.status}: ${ran.stderr.trim()}`,
    `'fleetlab logs ${machine.name}' shows its journal, 'fleetlab heal ${machine.name}' undoes`,
  );
}

/** The path by which this computer reaches a file of a machine that runs. */
export function pathInside(machine: MachineRecord, path: string): string {
  const pid = initOf(machine);
  if (pid !== null) return `/proc/${pid}/root${path}`;
  throw labFailed(`${machine.name} is off`, `'fleetlab boot ${machine.name}' switches it on`);
}
