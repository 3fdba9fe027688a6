import type { RequestListener } from 'node:http';
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify';
import type { Logger } from '../lib/log.ts';
import type { Metric } from '../lib/metric.ts';
import type { Catalog } from '../model/catalog.ts';
import type { Joining } from '../model/joining.ts';
import type { Notices } from '../model/notice.ts';
import type { Roster } from '../model/roster.ts';
import type { StoreControl } from '../model/store-standing.ts';
import { type Answer, refused } from './answer.ts';
import { discoveryDocument, rootUrlOf } from './discovery.ts';
import { answerErrors, answerUnknownPaths, type ServedPath } from './error-answers.ts';
import { getJoining } from './joining-routes.ts';
import { apiLimits } from './limits.ts';
import { listMachines, patchMachines } from './machine-routes.ts';
import { endBrake, forgetMember, listMembers } from './member-routes.ts';
import { metricsContentType, metricsText } from './metrics-text.ts';
import { listNotices, noNotices } from './notice-routes.ts';
import { deleteOrphan } from './orphan-routes.ts';
import type { Query } from './page-query.ts';
import { acceptJsonOnly } from './request-body.ts';
import { apiRoot, pageItemsDefault } from './schema.ts';
import { getState, listStates } from './state-routes.ts';
import { getStore, postStore } from './store-routes.ts';
import { refusalOf } from './trouble-answer.ts';
import { deleteUnit, getUnit, listUnits, putUnit } from './unit-routes.ts';

/** What the API works with. */
export interface ApiOptions {
  readonly catalog: Catalog;
  readonly log: Logger;
  /** The version of fleetd, told in the `server` header of each answer. */
  readonly version: string;
  /** Items of a page when the request does not say; `token_limit` of fleet.conf as it is now. */
  readonly pageItemsDefault?: number | (() => number);
  /** Machines that are away, and the brake; without it there are no such paths. */
  readonly roster?: Roster;
  /** What `/store` is about; without it there is no such path. */
  readonly store?: StoreControl;
  /** What `GET /joining` says; without it there is no such path. */
  readonly joining?: Joining;
  /** What `GET /notices` says; none without it. */
  readonly notices?: Notices;
  /** What `GET /metrics` says; without it there is no such path. */
  readonly metrics?: () => readonly Metric[];
  /** Told of each answer that was sent. */
  readonly onAnswer?: (method: string, status: number) => void;
  /** What requests about the store wait for first: after a start nothing is known of it yet. */
  readonly storeLooked?: (signal: AbortSignal) => Promise<void>;
  /** How long one request may wait for the store. */
  readonly storeWaitMs?: number;
}

/** A request without a socket, for tests and for the daemon's own questions. */
export interface InjectedRequest {
  readonly method: 'GET' | 'PUT' | 'POST' | 'PATCH' | 'DELETE' | 'HEAD' | 'OPTIONS';
  /** Path and query, from the root: `/fleet/v1/units?limit=10`. */
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** The API, ready to answer; listening is left to whoever owns the addresses. */
export interface Api {
  /** For any number of `node:http` servers. */
  readonly requestListener: RequestListener;
  inject(request: InjectedRequest): Promise<{
    readonly status: number;
    readonly headers: Readonly<Record<string, unknown>>;
    readonly text: string;
  }>;
  /** From now on requests are answered with 503; ends when nothing is left to do. */
  close(): Promise<void>;
}

/** Makes the API on a catalog. Close it after the servers that use its listener. */
export async function createApi(options: ApiOptions): Promise<Api> {
  const app = fastify({
    bodyLimit: apiLimits.bodyBytesMax,
    routerOptions: { maxParamLength: apiLimits.pathNameLengthMax },
    frameworkErrors: (error, request, reply) => answerErrors(options.log)(error, request, reply),
  });
  acceptJsonOnly(app);
  const paths = addRoutes(app, options);
  app.setErrorHandler(answerErrors(options.log));
  app.setNotFoundHandler(answerUnknownPaths(paths));
  app.addHook('onSend', async (_request, reply) => {
    reply.header('server', `fleetd/${options.version}`);
    reply.header('cache-control', 'no-store');
  });
  const { onAnswer } = options;
  if (onAnswer !== undefined) {
    app.addHook('onResponse', async (request, reply) => {
      onAnswer(request.method, reply.statusCode);
    });
  }
  await app.ready();
  return {
    requestListener: (request, response) => app.routing(request, response),
    inject: async ({ method, url, headers, body }) => {
      const answer = await app.inject({
        method,
        url,
        ...(headers === undefined ? {} : { headers: { ...headers } }),
        ...(body === undefined ? {} : { payload: body }),
      });
      return { status: answer.statusCode, headers: answer.headers, text: answer.body };
    },
    close: () => app.close(),
  };
}

type Named = FastifyRequest<{ Params: { name: string } }>;
type Handler<R> = (request: R, signal: AbortSignal) => Promise<Answer>;

function addRoutes(app: FastifyInstance, options: ApiOptions): readonly ServedPath[] {
  const { catalog } = options;
  const limitDefault = options.pageItemsDefault ?? pageItemsDefault;
  const page = (request: FastifyRequest): Parameters<typeof listUnits>[1] => ({
    query: queryOf(request),
    limitDefaultCount: typeof limitDefault === 'number' ? limitDefault : limitDefault(),
  });
  const atOnce = <R extends FastifyRequest>(handle: Handler<R>) => answering(handle, options);
  const answer = <R extends FastifyRequest>(handle: Handler<R>) =>
    atOnce<R>(async (request, signal) => {
      await options.storeLooked?.(signal);
      return handle(request, signal);
    });

  app.get(
    `${apiRoot}/units`,
    answer((r, signal) => listUnits(catalog, page(r), signal)),
  );
  app.get<{ Params: { name: string } }>(
    `${apiRoot}/units/:name`,
    answer((r: Named, signal) => getUnit(catalog, r.params.name, signal)),
  );
  app.put<{ Params: { name: string } }>(
    `${apiRoot}/units/:name`,
    answer((r: Named, signal) => putUnit(catalog, { name: r.params.name, body: r.body }, signal)),
  );
  app.delete<{ Params: { name: string } }>(
    `${apiRoot}/units/:name`,
    answer((r: Named, signal) => deleteUnit(catalog, r.params.name, signal)),
  );
  app.get(
    `${apiRoot}/state`,
    answer((r, signal) => listStates(catalog, page(r), signal)),
  );
  app.get<{ Params: { name: string } }>(
    `${apiRoot}/state/:name`,
    answer((r: Named, signal) => getState(catalog, r.params.name, signal)),
  );
  app.get(
    `${apiRoot}/machines`,
    answer((r, signal) => listMachines(catalog, page(r), signal)),
  );
  app.patch(
    `${apiRoot}/machines`,
    answer((r, signal) => patchMachines(catalog, r.body, signal)),
  );
  const { roster } = options;
  if (roster !== undefined) {
    app.get(
      `${apiRoot}/members`,
      answer((r, signal) => listMembers(roster, page(r), signal)),
    );
    app.delete<{ Params: { name: string } }>(
      `${apiRoot}/members/:name`,
      answer((r: Named, signal) => forgetMember(roster, r.params.name, signal)),
    );
    app.delete(
      `${apiRoot}/brake`,
      answer((_request, signal) => endBrake(roster, signal)),
    );
  }
  app.delete<{ Params: { name: string } }>(
    `${apiRoot}/orphans/:name`,
    answer((r: Named, signal) => {
      const what = { name: r.params.name, query: queryOf(r) };
      return deleteOrphan(catalog, what, signal);
    }),
  );
  const notices = options.notices ?? noNotices;
  app.get(
    `${apiRoot}/notices`,
    answer((r, signal) => listNotices(notices, queryOf(r), signal)),
  );
  app.get(
    `${apiRoot}/discovery`,
    atOnce(async (r) => ({ status: 200, body: discoveryDocument(rootUrlOf(r.headers.host)) })),
  );
  const { metrics, store, joining } = options;
  if (joining !== undefined) {
    app.get(
      `${apiRoot}/joining`,
      atOnce((_request, signal) => getJoining(joining, signal)),
    );
  }
  if (store !== undefined) {
    app.get(
      `${apiRoot}/store`,
      atOnce(() => getStore(store)),
    );
    app.post(
      `${apiRoot}/store`,
      atOnce((r, signal) => postStore(store, r.body, signal)),
    );
  }
  if (metrics !== undefined) {
    app.get('/metrics', (_request, reply) =>
      reply.type(metricsContentType).send(metricsText(metrics())),
    );
  }
  return [
    ...(metrics === undefined ? [] : [{ path: /^\/metrics$/, allow: 'GET, HEAD' }]),
    ...(joining === undefined
      ? []
      : [{ path: new RegExp(`^${apiRoot}/joining$`), allow: 'GET, HEAD' }]),
    ...(store === undefined
      ? []
      : [{ path: new RegExp(`^${apiRoot}/store$`), allow: 'GET, HEAD, POST' }]),
    { path: new RegExp(`^${apiRoot}/(units|state|discovery|notices)$`), allow: 'GET, HEAD' },
    ...(roster === undefined ? [] : rosterPaths),
    { path: new RegExp(`^${apiRoot}/machines$`), allow: 'GET, HEAD, PATCH' },
    { path: new RegExp(`^${apiRoot}/units/[^/]+$`), allow: 'GET, HEAD, PUT, DELETE' },
    { path: new RegExp(`^${apiRoot}/state/[^/]+$`), allow: 'GET, HEAD' },
    { path: new RegExp(`^${apiRoot}/orphans/[^/]+$`), allow: 'DELETE' },
  ];
}

const rosterPaths: readonly ServedPath[] = [
  { path: new RegExp(`^${apiRoot}/members$`), allow: 'GET, HEAD' },
  { path: new RegExp(`^${apiRoot}/members/[^/]+$`), allow: 'DELETE' },
  { path: new RegExp(`^${apiRoot}/brake$`), allow: 'DELETE' },
];

function queryOf(request: FastifyRequest): Query {
  return request.query as Query; // fastify's parser makes an object of anything
}

/**
 * Runs a handler under a deadline that also ends when the client goes away. One controller and one
 * timer a request, both done with when it is answered: signals made of signals wait for the
 * garbage collector.
 */
function answering<R extends FastifyRequest>(
  handle: Handler<R>,
  { log, storeWaitMs }: ApiOptions,
): (request: R, reply: FastifyReply) => Promise<void> {
  return async (request, reply) => {
    const ending = new AbortController();
    const end = (): void => ending.abort(departed);
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      ending.abort(tooLate);
    }, storeWaitMs ?? apiLimits.storeWaitMsMax);
    reply.raw.once('close', end);
    let answer: Answer;
    try {
      answer = await handle(request, ending.signal);
    } catch (thrown) {
      const isNextPage = Object.hasOwn(queryOf(request), 'nextPageToken');
      const refusal = refusalOf(thrown, { timedOut, isNextPage });
      if (refusal === null) throw thrown; // a bug: the error handler logs it
      if (refusal.status === 500) log.error({ err: thrown }, 'answered with an error');
      answer = refused(refusal);
    } finally {
      clearTimeout(timer);
      reply.raw.off('close', end);
    }
    reply.code(answer.status);
    if (answer.body === null) return void (await reply.send());
    const next = nextPageLink(request.url, answer.body);
    if (next !== null) reply.header('link', next);
    // As bytes: a long text is encoded much more slowly while it is written.
    reply.type('application/json; charset=utf-8');
    await reply.send(Buffer.from(JSON.stringify(answer.body)));
  };
}

/** RFC 8288: whoever reads on need not read this page first. */
function nextPageLink(path: string, body: object): string | null {
  if (!('nextPageToken' in body)) return null;
  const url = new URL(path, 'http://fleetd');
  url.searchParams.set('nextPageToken', String(body.nextPageToken));
  return `<${url.pathname}${url.search}>; rel="next"`;
}

const departed = new Error('the client went away');
const tooLate = new Error('the request took too long');
