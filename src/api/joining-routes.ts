import type { Joining } from '../model/joining.ts';
import type { Answer } from './answer.ts';
import type { JoiningBody } from './schema.ts';

/** `GET /joining`: what a machine must be told to become part of the cluster. */
export async function getJoining(joining: Joining, signal: AbortSignal): Promise<Answer> {
  const { agentTtlMs, ...words } = await joining.read(signal);
  const body: JoiningBody = { ...words, agentTtl: `${agentTtlMs / 1_000}s` };
  return { status: 200, body };
}
