import { readFileSync } from 'node:fs';

/** Milliseconds since this machine booted, by the clock that goes on while it is suspended. */
export function uptimeMs(): number {
  const [seconds] = readFileSync('/proc/uptime', 'utf8').split(' ');
  return Number(seconds) * 1000;
}
