import type { Writable } from 'node:stream';
import { styleText } from 'node:util';

/** A stream that may be a terminal. */
export type Output = Writable & { readonly isTTY?: boolean; readonly columns?: number };

/** What the user sees: answers on stdout, everything else on stderr. */
export class Screen {
  readonly out: Output;
  readonly err: Output;
  #hasProgress = false;

  constructor(out: Output, err: Output) {
    this.out = out;
    this.err = err;
  }

  /** Columns of the terminal; 80 where there is none. */
  get widthCount(): number {
    return this.out.isTTY === true ? (this.out.columns ?? 80) : 80;
  }

  /** A text for stdout, as it is. */
  write(text: string): void {
    this.progress(null);
    this.out.write(text);
  }

  /** A line of what was asked for. */
  line(text: string): void {
    this.write(`${text}\n`);
  }

  /** A line about how it goes. */
  note(text: string): void {
    this.progress(null);
    this.err.write(`${text}\n`);
  }

  warn(text: string): void {
    this.note(`fleetctl: ${this.#style('yellow', 'warning')}: ${text}`);
  }

  /** What went wrong; lines after the first stand below it as they are. */
  error(text: string): void {
    this.note(`${this.#style('red', 'fleetctl')}: ${text}`);
  }

  /** One line that is written over by whatever comes next; terminals only. */
  progress(text: string | null): void {
    if (this.err.isTTY !== true) return;
    if (this.#hasProgress) this.err.write('\r\u001b[K');
    this.#hasProgress = text !== null;
    if (text !== null) this.err.write(text);
  }

  #style(colour: 'yellow' | 'red', text: string): string {
    return styleText(colour, text, { stream: this.err, validateStream: true });
  }
}
