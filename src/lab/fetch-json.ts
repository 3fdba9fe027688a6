import { type IncomingMessage, request } from 'node:http';
import { messageOf } from '../lib/error.ts';
import { fail, ok, type Result } from '../lib/result.ts';

const limits = { answerMs: 1_000, answerBytesMax: 4 * 1024 * 1024 } as const;

/** An answer of a server in the lab; by way of its unix socket when one is named. */
export async function fetchJson(
  url: string,
  socketPath?: string,
): Promise<Result<unknown, string>> {
  try {
    const { status, text } = await fetchText(url, socketPath);
    return status === 200 ? ok(JSON.parse(text)) : fail(`${url} answers ${status}`);
  } catch (error) {
    return fail(`${url}: ${messageOf(error)}`);
  }
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

function fetchText(url: string, socketPath: string | undefined): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(limits.answerMs);
    const asked = request(url, { agent: false, signal, ...(socketPath && { socketPath }) });
    asked.on('error', reject);
    asked.on('response', (response) => {
      textOf(response).then((text) => resolve({ status: response.statusCode ?? 0, text }), reject);
    });
    asked.end();
  });
}

async function textOf(response: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let sizeBytes = 0;
  for await (const part of response as AsyncIterable<Buffer>) {
    sizeBytes += part.length;
    if (sizeBytes > limits.answerBytesMax) throw new Error('it says too much');
    parts.push(part);
  }
  return Buffer.concat(parts).toString();
}
