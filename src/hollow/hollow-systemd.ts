import { basename, join } from 'node:path';
import type { JobResult, Systemd, SystemdEvents, UnitStatus } from '../agent/systemd.ts';
import type { UnitName } from '../unitfile/unit-name.ts';
import type { MemoryDisk } from './memory-disk.ts';

/** Where units are linked for systemd to find. */
export const runtimeFolder = '/run/systemd/system';

/** What systemd holds of a unit that runs. */
interface Running {
  readonly text: string | null;
  readonly invocationId: string;
}

/**
 * A systemd that runs no process: every call is answered at once, every start ends in `active`
 * and every stop in `inactive`. No unit fails, depends on another or ends by itself.
 */
export class HollowSystemd implements Systemd {
  readonly #disk: MemoryDisk;
  readonly #events: SystemdEvents;
  readonly #running = new Map<UnitName, Running>();
  #startCount = 0;

  constructor(disk: MemoryDisk, events: SystemdEvents) {
    this.#disk = disk;
    this.#events = events;
  }

  async list(names: readonly UnitName[]): Promise<ReadonlyMap<UnitName, UnitStatus>> {
    this.#events.answered();
    return new Map(names.map((name) => [name, this.#status(name)]));
  }

  async linkRuntime(paths: readonly string[]): Promise<void> {
    for (const path of paths) await this.#disk.link(join(runtimeFolder, basename(path)), path);
  }

  async start(name: UnitName, _signal: AbortSignal, asked?: () => void): Promise<JobResult> {
    asked?.();
    if (!this.#running.has(name)) {
      this.#startCount += 1;
      const invocationId = this.#startCount.toString(16).padStart(32, '0');
      this.#running.set(name, { text: this.#fileText(name), invocationId });
      const change = { active: 'active', sub: 'running', invocationId, hasJob: false };
      this.#events.unitChanged(name, change);
    }
    return 'done';
  }

  async stop(name: UnitName, _signal: AbortSignal, asked?: () => void): Promise<JobResult> {
    asked?.();
    if (this.#running.delete(name)) {
      this.#events.unitChanged(name, { active: 'inactive', sub: 'dead', hasJob: false });
    }
    return 'done';
  }

  async restart(): Promise<void> {
    // The guard's own units: nothing that runs here has to be stopped by a deadline.
  }

  async resetFailed(): Promise<void> {
    // Nothing ever fails.
  }

  async reload(): Promise<void> {
    for (const [name, running] of this.#running) {
      this.#running.set(name, { ...running, text: this.#fileText(name) });
    }
    this.#events.everythingChanged();
  }

  async failureOf(): Promise<string> {
    return '';
  }

  async systemState(): Promise<string> {
    return 'running';
  }

  async ping(): Promise<void> {
    this.#events.answered();
  }

  close(): void {
    this.#running.clear();
  }

  #status(name: UnitName): UnitStatus {
    const text = this.#fileText(name);
    const running = this.#running.get(name);
    const isKnown = text !== null || running !== undefined;
    return {
      load: isKnown ? 'loaded' : 'not-found',
      active: running === undefined ? 'inactive' : 'active',
      sub: running === undefined ? 'dead' : 'running',
      fragmentPath: isKnown ? join(runtimeFolder, name) : '',
      needReload: running !== undefined && running.text !== text,
      invocationId: running?.invocationId ?? '',
      hasJob: false,
      loadError: '',
    };
  }

  #fileText(name: UnitName): string | null {
    return this.#disk.text(join(runtimeFolder, name));
  }
}
