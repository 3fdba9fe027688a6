import { downLab } from '../src/lab/down.ts';
import type { LabContext } from '../src/lab/lab.ts';
import { upLab } from '../src/lab/up.ts';
import { guardLab } from '../test/builders/guard-lab.ts';

/** The real machines of a run: booted for the first part that asks. */
export class BenchLab {
  readonly #say: (line: string) => void;
  #booted: Promise<LabContext> | null = null;
  #guard: ReturnType<typeof guardLab> | null = null;

  constructor(say: (line: string) => void) {
    this.#say = say;
  }

  context(): Promise<LabContext> {
    this.#booted ??= this.#boot();
    return this.#booted;
  }

  /** Takes the machines down, if there are any. */
  async down(): Promise<void> {
    if (this.#booted === null) return;
    const context = await this.#booted.catch(() => this.#named());
    await downLab(context);
    this.#guard?.stdin?.end();
  }

  async #boot(): Promise<LabContext> {
    const context = this.#named();
    this.#guard = guardLab(context.lab);
    await upLab(context);
    return context;
  }

  #named(): LabContext {
    return { lab: `bench-${process.pid}`, say: (line) => this.#say(`lab: ${line}`) };
  }
}
