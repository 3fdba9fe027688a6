import { pino } from 'pino';

/** What pino knows beyond `Logger`; only the daemon uses it. */
export type DaemonLog = pino.Logger;

/** journald's priorities, which systemd takes from a `<N>` at the start of a line. */
const priorities: ReadonlyMap<number, number> = new Map([
  [60, 2],
  [50, 3],
  [40, 4],
  [30, 6],
  [20, 7],
]);

/** Where lines go and how they look. */
export interface LogSink {
  /** `journal`: JSON with priorities; `pretty`: for a person; `json`: bare lines. */
  readonly form: 'journal' | 'pretty' | 'json';
  readonly out: NodeJS.WritableStream;
}

/** The daemon's log. `verbosity` as in fleet.conf: 0 logs changes, 1 and more also details. */
export async function createLog(verbosity: number, sink: LogSink): Promise<DaemonLog> {
  const options: pino.LoggerOptions = {
    level: levelOf(verbosity),
    base: null,
    timestamp: sink.form === 'journal' ? false : pino.stdTimeFunctions.isoTime,
    messageKey: 'message',
    redact: ['password', '*.password', 'text', '*.text'],
  };
  if (sink.form === 'pretty') {
    const { build } = await import('pino-pretty');
    return pino(options, build({ destination: sink.out, messageKey: 'message', ignore: 'pid' }));
  }
  if (sink.form === 'json') return pino(options, { write: (line) => void sink.out.write(line) });
  return pino(options, journalStream(sink.out));
}

/** The level of a `verbosity`. */
export function levelOf(verbosity: number): 'debug' | 'info' {
  return verbosity > 0 ? 'debug' : 'info';
}

/** Chooses the form for this process's standard output. */
export function sinkFor(
  out: NodeJS.WriteStream,
  environment: Readonly<Record<string, string | undefined>>,
): LogSink {
  if (environment['JOURNAL_STREAM'] !== undefined) return { form: 'journal', out };
  return { form: out.isTTY ? 'pretty' : 'json', out };
}

function journalStream(out: NodeJS.WritableStream): pino.DestinationStream {
  return {
    write: (line: string): void => {
      const level = Number(/^\{"level":(\d+)/.exec(line)?.[1] ?? 30);
      out.write(`<${priorities.get(level) ?? 6}>${line}`);
    },
  };
}
