import { readFileSync, readlinkSync, rmSync, symlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { JobResult, Systemd, SystemdEvents, UnitStatus } from '../../src/agent/systemd.ts';
import { FleetError } from '../../src/lib/error.ts';
import type { UnitName } from '../../src/unitfile/unit-name.ts';

interface Process {
  active: string;
  sub: string;
  text: string;
  invocation: number;
}

/**
 * A systemd without processes: reads unit files through links below a folder, as the real one does,
 * and runs them on paper. A unit's start job ends `done` at once, but for those told otherwise.
 */
export class PaperSystemd {
  readonly calls: string[] = [];
  /** Start jobs that end otherwise; `never` waits until somebody stops the unit. */
  readonly ends = new Map<UnitName, JobResult | 'never'>();
  readonly #root: string;
  readonly #processes = new Map<UnitName, Process>();
  readonly #waiting = new Map<UnitName, (result: JobResult) => void>();
  #events: SystemdEvents | null = null;
  #invocationCount = 0;
  connectCount = 0;
  /** True: pings are not answered. */
  isStuck = false;

  constructor(root: string) {
    this.#root = root;
  }

  async connect(events: SystemdEvents): Promise<Systemd> {
    this.connectCount += 1;
    this.#events = events;
    return {
      list: async (names) => new Map(names.map((name) => [name, this.status(name)])),
      linkRuntime: async (paths) => this.#link(paths),
      start: (name, signal, asked) => {
        asked?.();
        return this.#start(name, signal);
      },
      stop: async (name, _signal, asked) => {
        asked?.();
        return this.#stop(name);
      },
      restart: async (name) => void this.calls.push(`restart ${name}`),
      resetFailed: async (name) => void this.#processes.delete(name),
      reload: async () => void this.calls.push('reload'),
      failureOf: async () => 'exit-code',
      systemState: async () => 'running',
      ping: async () => {
        if (this.isStuck) throw lost('no answer');
      },
      close: () => undefined,
    };
  }

  /** The bus goes away under the agent. */
  lose(): void {
    this.#events?.disconnected(lost('bus lost'));
  }

  /** A process ends by itself, or an operator stops it. */
  end(name: UnitName, active: 'inactive' | 'failed'): void {
    this.#change(name, active, active === 'failed' ? 'failed' : 'dead');
  }

  /** The text a unit runs; null when it does not. */
  runningText(name: UnitName): string | null {
    const process = this.#processes.get(name);
    return process?.active === 'active' ? process.text : null;
  }

  status(name: UnitName): UnitStatus {
    const text = this.#text(name);
    const process = this.#processes.get(name);
    const isKnown = text !== null || process !== undefined;
    return {
      load: text !== null ? 'loaded' : 'not-found',
      active: process?.active ?? 'inactive',
      sub: process?.sub ?? 'dead',
      fragmentPath: isKnown ? `/run/systemd/system/${name}` : '',
      needReload: process !== undefined && process.active === 'active' && process.text !== text,
      invocationId: process === undefined ? '' : String(process.invocation),
      hasJob: this.#waiting.has(name),
      loadError: '',
    };
  }

  #link(paths: readonly string[]): void {
    this.calls.push(`link ${paths.map((path) => basename(path)).join(' ')}`);
    for (const path of paths) {
      const link = join(this.#root, 'run/systemd/system', basename(path));
      rmSync(link, { force: true });
      symlinkSync(path, link);
    }
  }

  #start(name: UnitName, signal: AbortSignal): Promise<JobResult> {
    this.calls.push(`start ${name}`);
    const text = this.#text(name) ?? '';
    this.#invocationCount += 1;
    const process = { active: 'activating', sub: 'start', text, invocation: this.#invocationCount };
    this.#processes.set(name, process);
    const end = this.ends.get(name) ?? 'done';
    if (end === 'never') {
      this.#change(name, 'activating', 'start');
      return new Promise((resolve, reject) => {
        this.#waiting.set(name, resolve);
        signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      });
    }
    if (end === 'done') this.#change(name, 'active', 'running');
    else this.#change(name, 'failed', 'failed');
    return Promise.resolve(end);
  }

  #stop(name: UnitName): JobResult {
    this.calls.push(`stop ${name}`);
    this.#waiting.get(name)?.('canceled');
    this.#waiting.delete(name);
    this.#change(name, 'inactive', 'dead');
    this.#processes.delete(name);
    return 'done';
  }

  #change(name: UnitName, active: string, sub: string): void {
    const process = this.#processes.get(name);
    if (process === undefined) return;
    Object.assign(process, { active, sub });
    const invocationId = String(process.invocation);
    this.#events?.unitChanged(name, { active, sub, invocationId, hasJob: this.#waiting.has(name) });
  }

  #text(name: UnitName): string | null {
    try {
      const link = join(this.#root, 'run/systemd/system', name);
      return readFileSync(join(this.#root, readlinkSync(link)), 'utf8');
    } catch {
      return null; // not linked, or the link leads nowhere
    }
  }
}

function lost(message: string): FleetError {
  return new FleetError(message, { code: 'systemd/unavailable', retry: 'soon', hint: 'wait' });
}
