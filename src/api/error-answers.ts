import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { messageOf } from '../lib/error.ts';
import type { Logger } from '../lib/log.ts';
import { unitFileLimits } from '../unitfile/limits.ts';
import { printable } from '../unitfile/problem.ts';
import { type Refusal, refused } from './answer.ts';
import { apiLimits } from './limits.ts';
import { BodyError } from './request-body.ts';
import { apiRoot } from './schema.ts';

/** A path that is served, and the methods it takes. */
export interface ServedPath {
  readonly path: RegExp;
  /** As in the `allow` header. */
  readonly allow: string;
}

/** Answers what went wrong before, or in, a handler. A bug is logged, and told without its stack. */
export function answerErrors(
  log: Logger,
): (error: unknown, request: FastifyRequest, reply: FastifyReply) => void {
  return (error, request, reply) => {
    const refusal = refusalOfRequest(error);
    if (refusal === null) {
      const path = printable(request.url, apiLimits.echoLengthMax);
      log.error({ err: error, method: request.method, path }, 'failed on a request');
    }
    // The rest of the body is read and dropped: a connection that is closed on it may lose the answer.
    if (refusal?.status === 413) reply.removeHeader('connection');
    send(reply, refusal ?? bug(error));
  };
}

/** Answers requests that no route takes: 405 when only the method is wrong. */
export function answerUnknownPaths(
  served: readonly ServedPath[],
): (request: FastifyRequest, reply: FastifyReply) => void {
  return (request, reply) => {
    const path = request.url.replace(/[?#].*$/s, '');
    const allow = served.find((candidate) => candidate.path.test(path))?.allow;
    if (allow === undefined) {
      send(reply, {
        status: 404,
        message: `nothing is served at ${printable(path, apiLimits.echoLengthMax)}`,
        hint: `the API lives under ${apiRoot}: units, state, machines`,
      });
      return;
    }
    reply.header('allow', allow);
    const message = `${request.method} is not possible at this path`;
    send(reply, { status: 405, message, hint: `use one of ${allow}` });
  };
}

function send(reply: FastifyReply, refusal: Refusal): void {
  const { status, body } = refused(refusal);
  void reply.code(status).send(body); // a reply is thenable, but there is nothing to wait for
}

/** The refusal for a request the framework did not let through; null for a bug. */
function refusalOfRequest(error: unknown): Refusal | null {
  if (error instanceof BodyError) {
    const { statusCode: status, message } = error;
    return { status, message, hint: status === 415 ? sendJson : 'send one JSON object in UTF-8' };
  }
  const code = (error as Partial<FastifyError> | null)?.code ?? '';
  return frameworkRefusals[code] ?? null;
}

const sendJson = 'send JSON with the header content-type: application/json';

const tooLong: Refusal = {
  status: 413,
  message:
    `the body is over ${apiLimits.bodyBytesMax} bytes; ` +
    `a unit file may have ${unitFileLimits.unitFileBytesMax}`,
  hint: 'move scripts and data out of the unit file',
};

const frameworkRefusals: Readonly<Record<string, Refusal>> = {
  FST_ERR_BAD_URL: {
    status: 400,
    message: 'the path is not a valid URL',
    hint: 'percent-encode the unit name',
  },
  FST_ERR_MAX_PARAM_LENGTH: {
    status: 414,
    message: 'the name in the path is too long',
    hint: `a unit name has at most ${unitFileLimits.unitNameLengthMax} characters`,
  },
  FST_ERR_CTP_BODY_TOO_LARGE: tooLong,
  FST_ERR_CTP_INVALID_MEDIA_TYPE: {
    status: 415,
    message: 'the body is not declared as JSON',
    hint: sendJson,
  },
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: {
    status: 400,
    message: 'the body has not the length its header says',
    hint: 'send it again',
  },
};

function bug(error: unknown): Refusal {
  return {
    status: 500,
    message: `fleetd failed on this request: ${printable(messageOf(error), 200)}`,
    hint: 'this is a defect of fleetd; its journal has the story: journalctl -u fleet',
  };
}
