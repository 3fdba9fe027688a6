import { createHash } from 'node:crypto';
import type { Clock } from '../../src/lib/clock.ts';
import type { Logger } from '../../src/lib/log.ts';

const limits = { lastLinesMax: 400 } as const;

/** Everything that happened in a run, as lines: hashed, and the last of them kept. */
export class Trace {
  readonly #clock: Clock;
  readonly #hash = createHash('sha256');
  readonly #tell: ((line: string) => void) | null;
  readonly last: string[] = [];
  lineCount = 0;

  /** `tell` sees each line as it comes. */
  constructor(clock: Clock, tell: ((line: string) => void) | null) {
    this.#clock = clock;
    this.#tell = tell;
  }

  say(who: string, what: string): void {
    const line = `${(this.#clock.nowMs() / 1000).toFixed(3).padStart(9)} ${who}: ${what}`;
    this.#hash.update(`${line}\n`);
    this.lineCount += 1;
    this.last.push(line);
    if (this.last.length > 2 * limits.lastLinesMax) this.last.splice(0, limits.lastLinesMax);
    this.#tell?.(line);
  }

  /** A logger whose lines become part of the trace. */
  logger(who: string): Logger {
    const line = (level: string) => (fields: object, message: string) =>
      this.say(who, `${level} ${message} ${JSON.stringify(fields)}`);
    return { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') };
  }

  /** Two runs that did the same have the same. */
  digest(): string {
    return this.#hash.copy().digest('hex');
  }
}

/** A promise was broken: what the run is about. */
export class Violations {
  readonly found: string[] = [];
  readonly #trace: Trace;

  constructor(trace: Trace) {
    this.#trace = trace;
  }

  /** `promise` is a number of docs/INVARIANTS.md, or a word. */
  add(promise: string, story: string): void {
    this.found.push(`${promise}: ${story}`);
    this.#trace.say('VIOLATION', `${promise}: ${story}`);
  }
}
