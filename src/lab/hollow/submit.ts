import { Agent, request } from 'node:http';
import { systemClock } from '../../lib/clock.ts';
import { labFailed } from '../trouble.ts';
import { hollowMetadata } from './words.ts';

const limits = { connectionCountMax: 64, answerMsMax: 60_000 } as const;

/** The name of the unit of that number. */
export function unitName(number: number): string {
  return `hollow-${number}.service`;
}

/** Every unit has a text of its own, as most have: of one size, and wanted on hollow machines only. */
function unitText(number: number): string {
  return `[Unit]
Description=Unit ${number} of a scale test

[Service]
Environment=NUMBER=${number}
ExecStart=/usr/bin/sleep infinity
Restart=always

[X-Fleet]
MachineMetadata=${hollowMetadata.key}=${hollowMetadata.value}
`;
}

/** When the first submission was sent and the last one answered; by the clock that all share. */
export interface Submitted {
  readonly beganAtMs: number;
  readonly endedAtMs: number;
}

/**
 * Submits and launches units through the API as any client does, one PUT a unit, on 64 connections.
 * Throws `lab/failed` at the first that is refused.
 */
export async function submitUnits(
  urls: readonly string[],
  unitCount: number,
  signal: AbortSignal,
): Promise<Submitted> {
  const agent = new Agent({ keepAlive: true, maxSockets: limits.connectionCountMax });
  const beganAtMs = systemClock.nowMs();
  let nextNumber = 1;
  const sendAll = async (): Promise<void> => {
    while (nextNumber <= unitCount && !signal.aborted) {
      const number = nextNumber;
      nextNumber += 1;
      const url = urls[number % urls.length] ?? '';
      await put(agent, `${url}/fleet/v1/units/${unitName(number)}`, unitText(number));
    }
  };
  try {
    await Promise.all(Array.from({ length: limits.connectionCountMax }, sendAll));
  } finally {
    agent.destroy();
  }
  return { beganAtMs, endedAtMs: systemClock.nowMs() };
}

function put(agent: Agent, url: string, text: string): Promise<void> {
  const body = JSON.stringify({ desiredState: 'launched', text });
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
  return new Promise((resolve, reject) => {
    const refuse = (why: string): void =>
      reject(labFailed(`PUT ${url}: ${why}`, 'see what the log of that fleetd says'));
    const asking = request(
      url,
      { agent, method: 'PUT', headers, timeout: limits.answerMsMax },
      (answer) => {
        const parts: Buffer[] = [];
        answer.on('data', (part: Buffer) => parts.push(part));
        answer.on('end', () => {
          const status = answer.statusCode ?? 0;
          if (status < 300) resolve();
          else refuse(`${status} ${Buffer.concat(parts).toString()}`);
        });
      },
    );
    asking.on('timeout', () => asking.destroy(new Error('no answer')));
    asking.on('error', (error) => refuse(error.message));
    asking.end(body);
  });
}
