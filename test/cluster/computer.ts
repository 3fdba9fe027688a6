import { existsSync, readdirSync, readFileSync } from 'node:fs';

/** One lab, as what it makes on the computer is named. */
export interface LabMarks {
  readonly lab: string;
  /** As in `flab3-m1`. */
  readonly index: string;
}

/** How everything of a lab is marked; ask while it is there. */
export function marksOf(lab: string): LabMarks {
  return { lab, index: read(`/var/lib/flotilla-lab/${lab}/index`).trim() };
}

/**
 * Everything of a lab that this computer has now, one line each, found without asking the lab:
 * processes, mounts, network namespaces, links, control groups, files.
 */
export function tracesOf({ lab, index }: LabMarks): readonly string[] {
  const isNamed = (name: string): boolean => new RegExp(`^flab${index}(-|$)`).test(name);
  const mentions = (text: string): boolean => new RegExp(`flotilla-lab/${lab}\\b`).test(text);
  const pids = list('/proc').filter((pid) => /^\d+$/.test(pid) && isRunning(pid));
  const traces = {
    process: pids.filter((pid) => mentions(read(`/proc/${pid}/cgroup`)) || isMarked(pid, lab)),
    mount: read('/proc/self/mounts').split('\n').filter(mentions),
    namespace: list('/run/netns').filter(isNamed),
    link: list('/sys/class/net').filter(isNamed),
    group: ['', 'systemd/', 'unified/']
      .map((hierarchy) => `/sys/fs/cgroup/${hierarchy}flotilla-lab/${lab}`)
      .filter((path) => existsSync(path)),
    folder: [`/var/lib/flotilla-lab/${lab}`].filter((path) => existsSync(path)),
    nspawn: list('/run/systemd/nspawn/propagate').filter(isNamed),
  };
  return Object.entries(traces).flatMap(([kind, names]) => names.map((name) => `${kind} ${name}`));
}

/** Not so for one that has ended and that its parent has not asked about yet. */
function isRunning(pid: string): boolean {
  return /^State:\s+[^ZX]/m.test(read(`/proc/${pid}/status`));
}

function isMarked(pid: string, lab: string): boolean {
  return read(`/proc/${pid}/environ`).split('\0').includes(`FLOTILLA_LAB=${lab}`);
}

function list(folder: string): readonly string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}

/** A file that may go at any moment, as those of /proc do. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
