import type { PutUnitBody } from '../api/schema.ts';
import { FleetError } from '../lib/error.ts';
import type { UnitName } from '../unitfile/unit-name.ts';
import type { Context } from './command.ts';
import { inParallel } from './in-parallel.ts';
import { limits } from './limits.ts';

/** One write to be sent. */
export interface Write {
  readonly name: UnitName;
  readonly body: PutUnitBody;
}

/**
 * Sends writes, some at once, and tells which were refused and why. Returns the names of the others.
 * One bad unit keeps no other from being sent.
 */
export function sendPuts(
  context: Context,
  writes: readonly Write[],
): Promise<ReadonlySet<UnitName>> {
  const bodies = new Map(writes.map(({ name, body }) => [name, body]));
  const client = context.client();
  return sendAll(context, [...bodies.keys()], (name) =>
    client.putUnit(name, bodies.get(name) ?? {}),
  );
}

/** As `sendPuts`, for any request that is about one unit. */
export async function sendAll(
  { screen }: Context,
  names: readonly UnitName[],
  send: (name: UnitName) => Promise<unknown>,
): Promise<ReadonlySet<UnitName>> {
  const sent = new Set<UnitName>();
  const failures = new Map<string, { readonly error: FleetError; readonly names: UnitName[] }>();
  await inParallel(names, limits.requestCountMax, async (name) => {
    try {
      await send(name);
      sent.add(name);
    } catch (error) {
      if (!(error instanceof FleetError)) throw error;
      const alike = failures.get(error.message) ?? { error, names: [] };
      failures.set(error.message, { error, names: [...alike.names, name] });
    }
  });
  for (const { error, names: refused } of failures.values()) {
    const [first, ...others] = refused;
    const who = others.length === 0 ? first : `${first} and ${others.length} more`;
    screen.error(`${who}: ${error.message}`);
    screen.note(error.trouble.hint);
  }
  return sent;
}
