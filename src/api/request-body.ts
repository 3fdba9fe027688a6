import type { FastifyInstance } from 'fastify';

/** A body that cannot be read; the status is what the error handler answers with. */
export class BodyError extends Error {
  override readonly name = 'BodyError';
  readonly statusCode: 400 | 415;
  constructor(message: string, statusCode: 400 | 415) {
    super(message);
    this.statusCode = statusCode;
  }
}

/** What a body may be declared as; the second is RFC 6902's name for `PATCH`. */
const jsonTypes = ['application/json', 'application/json-patch+json'];

/** Takes JSON in UTF-8 and nothing else; a PUT or PATCH has to say that it is. */
export function acceptJsonOnly(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(jsonTypes, { parseAs: 'buffer' }, (_request, body, done) => {
    try {
      done(null, parseJson(body));
    } catch (error) {
      const why = error instanceof SyntaxError ? error.message : 'it is not UTF-8';
      done(new BodyError(`the body is not JSON: ${why}`, 400), undefined);
    }
  });
  app.addHook('onRequest', async (request) => {
    if (!['PUT', 'PATCH'].includes(request.method) || request.is404) return;
    if (request.headers['content-type'] === undefined) {
      throw new BodyError('the request does not say what its body is', 415);
    }
  });
}

function parseJson(body: string | Buffer): unknown {
  if (body.length === 0) return undefined; // a DELETE that says its nothing is JSON
  const text =
    typeof body === 'string' ? body : new TextDecoder('utf-8', { fatal: true }).decode(body);
  return JSON.parse(text);
}
