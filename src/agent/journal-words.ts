import { execFile } from 'node:child_process';
import { type Clock, rest } from '../lib/clock.ts';
import type { UnitName } from '../unitfile/unit-name.ts';
import type { ExplainLoad } from './failure-words.ts';

const limits = {
  /** journald writes a moment after systemd has answered. */
  triesMax: 3,
  pauseMs: 150,
  callMsMax: 2_000,
  answerBytesMax: 64 * 1024,
} as const;

/**
 * systemd tells over D-Bus only that a file has a bad setting; which one it tells the journal. The
 * newest error of systemd itself about the unit, of this boot; empty without a journal.
 */
export function explainFromJournal(clock: Clock, signal: AbortSignal): ExplainLoad {
  return async (unit) => {
    for (let tryCount = 1; tryCount <= limits.triesMax && !signal.aborted; tryCount += 1) {
      const words = lastLine(await newestErrors(unit, ['--since=-30s'], signal));
      if (words !== '') return withoutName(words, unit);
      await rest(limits.pauseMs, clock, signal);
    }
    // Loaded long ago, before fleetd was restarted perhaps.
    return withoutName(lastLine(await newestErrors(unit, [], signal)), unit);
  };
}

function newestErrors(
  unit: UnitName,
  since: readonly string[],
  signal: AbortSignal,
): Promise<string> {
  const args = ['--boot', '--quiet', '--output=cat', '--priority=err', '--lines=1'];
  const options = { timeout: limits.callMsMax, maxBuffer: limits.answerBytesMax, signal };
  return new Promise((resolve) => {
    // No journal, no words: the unit is refused all the same.
    execFile(
      'journalctl',
      [...args, ...since, '_PID=1', `UNIT=${unit}`],
      options,
      (error, stdout) => {
        resolve(error === null ? stdout : '');
      },
    );
  });
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? '';
}

/** `web.service: Service has no ExecStart=.` is told of web.service already. */
function withoutName(words: string, unit: UnitName): string {
  return words.startsWith(`${unit}: `) ? words.slice(unit.length + 2) : words;
}
