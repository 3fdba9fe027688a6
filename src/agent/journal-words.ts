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

/** Which systemd is asked about: the system's, or that of the user with this number. */
export type Manager = 'system' | { readonly uid: number };

/**
 * systemd tells over D-Bus only that a file has a bad setting; which one it tells the journal. The
 * newest error of systemd itself about the unit, of this boot; empty without a journal, or where
 * the user may not read it.
 */
export function explainFromJournal(
  manager: Manager,
  clock: Clock,
  signal: AbortSignal,
): ExplainLoad {
  const newest = async (unit: UnitName, since: readonly string[]): Promise<string> => {
    const matches = [...since, ...saidBy(manager, unit)];
    return withoutName(lastLine(await newestErrors(matches, signal)), unit);
  };
  return async (unit) => {
    for (let tryCount = 1; tryCount <= limits.triesMax && !signal.aborted; tryCount += 1) {
      const words = await newest(unit, ['--since=-30s']);
      if (words !== '') return words;
      await rest(limits.pauseMs, clock, signal);
    }
    return newest(unit, []); // loaded long ago, before fleetd was restarted perhaps
  };
}

/**
 * The fields by which the journal knows that systemd itself said something about a unit, and not
 * the unit. A user's systemd has another process number in each of its lives, but always this place.
 */
export function saidBy(manager: Manager, unit: UnitName): readonly string[] {
  if (manager === 'system') return ['_PID=1', `UNIT=${unit}`];
  return [`_UID=${manager.uid}`, '_SYSTEMD_USER_UNIT=init.scope', `USER_UNIT=${unit}`];
}

function newestErrors(matches: readonly string[], signal: AbortSignal): Promise<string> {
  const args = ['--boot', '--quiet', '--output=cat', '--priority=err', '--lines=1'];
  const options = { timeout: limits.callMsMax, maxBuffer: limits.answerBytesMax, signal };
  return new Promise((resolve) => {
    // No journal, no words: the unit is refused all the same.
    execFile('journalctl', [...args, ...matches], options, (error, stdout) => {
      resolve(error === null ? stdout : '');
    });
  });
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? '';
}

/** `web.service: Service has no ExecStart=.` is told of web.service already. */
function withoutName(words: string, unit: UnitName): string {
  return words.startsWith(`${unit}: `) ? words.slice(unit.length + 2) : words;
}
