import type { StoreControl } from '../model/store-standing.ts';
import { type Answer, refused } from './answer.ts';
import type { StoreBody } from './schema.ts';

/** `GET /store`: whether the store is that of our cluster; answered without asking the store. */
export async function getStore(store: StoreControl): Promise<Answer> {
  return { status: 200, body: bodyOf(store) };
}

/** `POST /store`: an operator's word about the store as a whole. */
export async function postStore(
  store: StoreControl,
  body: unknown,
  signal: AbortSignal,
): Promise<Answer> {
  const { action } = (typeof body === 'object' && body !== null ? body : {}) as {
    readonly action?: unknown;
  };
  if (action !== 'adopt' && action !== 'finish-upgrade') {
    const message = 'the action is neither adopt nor finish-upgrade';
    return refused({ status: 400, message, hint: 'send {"action": "adopt"}' });
  }
  const outcome =
    action === 'adopt' ? await store.adopt(signal) : await store.finishUpgrade(signal);
  if (outcome.kind === 'refused') {
    return refused({ status: 409, message: outcome.why, hint: outcome.hint });
  }
  return { status: 200, body: { ...bodyOf(store), outcome: outcome.kind } satisfies StoreBody };
}

function bodyOf(store: StoreControl): StoreBody {
  const { kind, ...what } = store.standing();
  return { standing: kind, ...what };
}
