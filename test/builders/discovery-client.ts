import { invariant } from '../../src/lib/invariant.ts';

/** A value of a schema: fields that the document does not name are gone. */
export type Value =
  | string
  | number
  | boolean
  | readonly Value[]
  | { readonly [name: string]: Value };

/** What a method was answered. */
export interface Reply {
  readonly status: number;
  /** null: the method has no response, or it was refused. */
  readonly body: Value | null;
  /** The words of a refusal. */
  readonly error: string | null;
}

/** Calls one method with its parameters, and with a body if it takes one. */
export type Method = (
  parameters?: Readonly<Record<string, string>>,
  body?: Value,
) => Promise<Reply>;

/** Methods by resource and name: `client['Units']['List']`. */
export type GeneratedClient = Readonly<Record<string, Readonly<Record<string, Method>>>>;

/** One request, its URL whole. */
export interface WireRequest {
  readonly method: string;
  readonly url: string;
  readonly body: string | null;
}

/** Sends it; `text` is '' where there was no body. */
export type Wire = (
  request: WireRequest,
) => Promise<{ readonly status: number; readonly text: string }>;

interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly required?: boolean;
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema;
}

interface MethodDescription {
  readonly httpMethod: string;
  readonly path: string;
  readonly parameters?: Readonly<
    Record<string, { readonly location: string; readonly required?: boolean }>
  >;
  readonly request?: Schema;
  readonly response?: Schema;
}

/** What a generator reads of a discovery document. */
export interface DiscoveryDocument {
  readonly rootUrl: string;
  readonly servicePath: string;
  readonly schemas: Readonly<Record<string, Schema>>;
  readonly resources: Readonly<
    Record<string, { readonly methods: Readonly<Record<string, MethodDescription>> }>
  >;
}

/**
 * Makes a client from a discovery document and from nothing else. It sends only what the document
 * names, and throws when an answer is not what the document says.
 */
export function generateClient(document: DiscoveryDocument, wire: Wire): GeneratedClient {
  const resources = Object.entries(document.resources).map(([resource, { methods }]) => {
    const made = Object.entries(methods).map(([name, description]): [string, Method] => {
      const call = `${resource}.${name}`;
      return [
        name,
        async (parameters = {}, body) => {
          const url = urlOf(call, document, description, parameters);
          const sent = bodyOf(call, document, description, body);
          const { status, text } = await wire({
            ...{ method: description.httpMethod, url },
            body: sent === null ? null : JSON.stringify(sent),
          });
          return replyOf(call, document, description, { status, text });
        },
      ];
    });
    return [resource, Object.fromEntries(made)] as const;
  });
  return Object.fromEntries(resources);
}

function urlOf(
  call: string,
  { rootUrl, servicePath }: DiscoveryDocument,
  { path, parameters: known = {} }: MethodDescription,
  given: Readonly<Record<string, string>>,
): string {
  for (const name of Object.keys(given))
    check(Object.hasOwn(known, name), `${call} has no ${name}`);
  const query = new URLSearchParams();
  let filled = path;
  for (const [name, { location, required = false }] of Object.entries(known)) {
    const value = given[name];
    check(value !== undefined || !required, `${call} wants ${name}`);
    if (value === undefined) continue;
    if (location === 'query') query.set(name, value);
    else filled = filled.replace(`{${name}}`, encodeURIComponent(value));
  }
  check(!filled.includes('{'), `${call}: ${filled} has an open place`);
  const suffix = query.size === 0 ? '' : `?${query}`;
  return `${rootUrl}${servicePath}${filled}${suffix}`;
}

function bodyOf(
  call: string,
  document: DiscoveryDocument,
  { request }: MethodDescription,
  body: Value | undefined,
): Value | null {
  if (request === undefined) {
    check(body === undefined, `${call} takes no body`);
    return null;
  }
  const read = readValue(document, request, body ?? {}, `${call}, request`);
  check(JSON.stringify(read) === JSON.stringify(body), `${call}: a field is not in the schema`);
  return read;
}

function replyOf(
  call: string,
  document: DiscoveryDocument,
  { response }: MethodDescription,
  { status, text }: { readonly status: number; readonly text: string },
): Reply {
  const body: unknown = text === '' ? null : JSON.parse(text);
  if (status >= 400) {
    const error: unknown =
      isObject(body) && isObject(body['error']) ? body['error']['message'] : '';
    check(typeof error === 'string' && error !== '', `${call}: ${status} without a message`);
    return { status, body: null, error: String(error) };
  }
  if (response === undefined) {
    check(body === null, `${call}: a body where the document has none`);
    return { status, body: null, error: null };
  }
  return { status, body: readValue(document, response, body, call), error: null };
}

function readValue(document: DiscoveryDocument, schema: Schema, value: unknown, at: string): Value {
  if (schema.$ref !== undefined) {
    const target = document.schemas[schema.$ref];
    if (target === undefined) throw new Error(`${at}: no schema ${schema.$ref}`);
    return readValue(document, target, value, at);
  }
  if (schema.type === 'string') {
    if (typeof value !== 'string') throw new Error(`${at}: ${JSON.stringify(value)} is no text`);
    const isKnown = schema.enum === undefined || schema.enum.includes(value);
    check(isKnown, `${at}: ${value} is none of ${schema.enum?.join(', ')}`);
    return value;
  }
  if (schema.type === 'number' || schema.type === 'boolean') {
    if (typeof value === schema.type) return value as number | boolean;
    throw new Error(`${at}: ${JSON.stringify(value)} is no ${schema.type}`);
  }
  if (schema.type === 'array') {
    if (!Array.isArray(value)) throw new Error(`${at}: ${JSON.stringify(value)} is no list`);
    const { items = {} } = schema;
    return value.map((item: unknown, index) => readValue(document, items, item, `${at}[${index}]`));
  }
  check(schema.type === 'object', `${at}: unknown type ${String(schema.type)}`);
  if (!isObject(value)) throw new Error(`${at}: ${JSON.stringify(value)} is no object`);
  const { properties = {}, additionalProperties } = schema;
  const fields = Object.entries(value).flatMap(([name, field]): [string, Value][] => {
    const of = Object.hasOwn(properties, name) ? properties[name] : additionalProperties;
    // Not known: what a language has for that is up to the client. Texts are never null.
    const isOpen = field === null && of?.type !== 'string';
    if (of === undefined || isOpen) return [];
    return [[name, readValue(document, of, field, `${at}.${name}`)]];
  });
  return Object.fromEntries(fields);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function check(condition: boolean, story: string): void {
  invariant(condition, 'discovery', story);
}
