import { fail, ok, type Result } from '../lib/result.ts';
import { type DesiredState, desiredStates } from '../model/unit.ts';
import { printable } from '../unitfile/problem.ts';
import type { UnitOption } from '../unitfile/unit-file.ts';
import type { PutUnitBody } from './schema.ts';

/** `PUT /units/NAME` with its types checked; what is absent is null. */
export interface PutRequest {
  readonly name: string | null;
  readonly desired: DesiredState | null;
  /** An empty list counts as absent, as in fleet 1.0. */
  readonly options: readonly UnitOption[] | null;
  readonly text: string | null;
  readonly isRestart: boolean;
}

/** Reads a body. Fields nobody knows are ignored, wrong types are named by their path. */
export function readPutBody(body: unknown): Result<PutRequest, string> {
  if (!isRecord(body)) return fail('the body must be a JSON object');
  const name = readText(body, 'name');
  if (!name.ok) return name;
  const desired = readDesired(body);
  if (!desired.ok) return desired;
  const options = readOptions(body);
  if (!options.ok) return options;
  const text = readText(body, 'text');
  if (!text.ok) return text;
  const restart = field(body, 'restart') ?? false;
  if (typeof restart !== 'boolean') return fail('restart: must be true or false');
  return ok({
    name: name.value === '' ? null : name.value,
    desired: desired.value,
    options: options.value,
    text: text.value,
    isRestart: restart,
  });
}

type Fields = Readonly<Record<string, unknown>>;

function isRecord(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function field(body: Fields, name: keyof PutUnitBody): unknown {
  return Object.hasOwn(body, name) ? (body[name] ?? undefined) : undefined;
}

function readText(body: Fields, name: 'name' | 'text'): Result<string | null, string> {
  const value = field(body, name);
  if (value === undefined) return ok(null);
  return typeof value === 'string' ? ok(value) : fail(`${name}: must be a text`);
}

function readDesired(body: Fields): Result<DesiredState | null, string> {
  const value = field(body, 'desiredState');
  if (value === undefined || value === '') return ok(null);
  const found = desiredStates.find((state) => state === value);
  if (found !== undefined) return ok(found);
  const shown = typeof value === 'string' ? ` "${printable(value)}"` : '';
  return fail(`desiredState:${shown} is none of ${desiredStates.join(', ')}`);
}

function readOptions(body: Fields): Result<readonly UnitOption[] | null, string> {
  const list = field(body, 'options');
  if (list === undefined) return ok(null);
  if (!Array.isArray(list)) return fail('options: must be a list');
  const options: UnitOption[] = [];
  for (const [index, item] of list.entries()) {
    const option = readOption(item, `options[${index}]`);
    if (!option.ok) return option;
    options.push(option.value);
  }
  return ok(options.length === 0 ? null : options);
}

function readOption(item: unknown, path: string): Result<UnitOption, string> {
  if (!isRecord(item)) return fail(`${path}: must be an object`);
  const { section, name, value } = item;
  if (typeof section !== 'string') return fail(`${path}.section: must be a text`);
  if (typeof name !== 'string') return fail(`${path}.name: must be a text`);
  if (typeof value !== 'string') return fail(`${path}.value: must be a text`);
  return ok({ section, name, value });
}
