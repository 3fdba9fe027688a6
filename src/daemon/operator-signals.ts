/** What operators ask of a running daemon by signals: `SIGHUP` to reload, `SIGUSR1` to dump. */
export interface OperatorSignals {
  /** Also runs at once when the signal came before this call. */
  onReload(run: () => void): void;
  onDump(run: () => void): void;
}

/** Takes the signals from now on: without a listener the first of them would end the process. */
export function listenToOperator(): OperatorSignals {
  const reload = new Bell();
  const dump = new Bell();
  process.on('SIGHUP', () => reload.ring());
  process.on('SIGUSR1', () => dump.ring());
  return { onReload: (run) => reload.answer(run), onDump: (run) => dump.answer(run) };
}

class Bell {
  #run: (() => void) | null = null;
  #hasRung = false;

  ring(): void {
    if (this.#run === null) this.#hasRung = true;
    else this.#run();
  }

  answer(run: () => void): void {
    this.#run = run;
    if (this.#hasRung) run();
    this.#hasRung = false;
  }
}
