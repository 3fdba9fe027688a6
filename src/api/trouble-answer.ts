import { FleetError, messageOf, type TroubleCode } from '../lib/error.ts';
import type { Refusal } from './answer.ts';
import { startAgain } from './page-query.ts';

/** Troubles that say something else than "the store cannot be used now". */
const statusOf: Readonly<Partial<Record<TroubleCode, 409 | 410 | 500>>> = {
  'registry/conflict': 409,
  'registry/compacted': 410,
  'registry/undecodable': 500,
};

/**
 * The refusal for what a handler threw; null when it is none of the expected troubles, that is, a
 * bug. `timedOut`: the request was given up because the store took too long. `isNextPage`: it asked
 * for a revision by page token, and what the store refuses to read then is that old revision.
 */
export function refusalOf(
  thrown: unknown,
  { timedOut, isNextPage }: { readonly timedOut: boolean; readonly isNextPage: boolean },
): Refusal | null {
  if (thrown instanceof FleetError) {
    const { code, hint, retry } = thrown.trouble;
    if (code === 'registry/refused' && retry === 'soon' && isNextPage) {
      return { status: 410, message: thrown.message, hint: startAgain };
    }
    const status = statusOf[code] ?? (code.startsWith('registry/') ? 503 : 500);
    return { status, message: thrown.message, hint: status === 410 ? startAgain : hint };
  }
  if (!timedOut) return null;
  return {
    status: 503,
    message: `the store did not answer in time (${messageOf(thrown)})`,
    hint: 'look at etcd: etcdctl endpoint health',
  };
}
