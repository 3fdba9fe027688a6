import type { Api, InjectedRequest } from '../../src/api/server.ts';

/** An answer with its body read. */
export interface ReadAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
  /** null when it is empty. */
  readonly body: unknown;
}

/** A request below /fleet/v1, without a socket. */
export async function ask(
  api: Api,
  method: InjectedRequest['method'],
  path: string,
  body?: unknown,
): Promise<ReadAnswer> {
  const answer = await api.inject({
    method,
    url: `/fleet/v1${path}`,
    ...(body === undefined
      ? {}
      : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  });
  return { ...answer, body: answer.text === '' ? null : JSON.parse(answer.text) };
}

/** Options as API v1 carries them. */
export function anOption(
  section: string,
  name: string,
  value: string,
): { readonly section: string; readonly name: string; readonly value: string } {
  return { section, name, value };
}
