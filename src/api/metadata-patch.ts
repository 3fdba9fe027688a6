import { fail, ok, type Result } from '../lib/result.ts';
import type { MetadataChange } from '../model/catalog.ts';
import type { MachineId } from '../model/ids.ts';
import { printable } from '../unitfile/problem.ts';
import { apiLimits } from './limits.ts';

/** Reads the body of `PATCH /machines`; what is wrong is named by its place in the list. */
export function readMetadataPatch(body: unknown): Result<readonly MetadataChange[], string> {
  if (!Array.isArray(body)) return fail('the body must be a list of operations');
  const { metadataChangeCountMax: countMax } = apiLimits;
  if (body.length > countMax) {
    return fail(`${body.length} operations are too many, ${countMax} go in one request`);
  }
  const changes: MetadataChange[] = [];
  for (const [index, operation] of body.entries()) {
    const change = readOperation(operation);
    if (!change.ok) return fail(`[${index}]${change.error}`);
    changes.push(change.value);
  }
  return ok(changes);
}

function readOperation(operation: unknown): Result<MetadataChange, string> {
  if (!isRecord(operation)) return fail(': must be an object');
  const { op, path } = operation;
  if (op !== 'add' && op !== 'remove' && op !== 'replace') {
    return fail(`.op:${shown(op)} is none of add, remove, replace`);
  }
  const target = typeof path === 'string' ? readPath(path) : null;
  if (target === null) return fail(`.path:${shown(path)} is not /MACHINEID/metadata/KEY`);
  if (op === 'remove') return ok({ ...target, value: null });
  const value = readValue(operation['value']);
  return value.ok ? ok({ ...target, value: value.value }) : value;
}

/** Machine ids as systemd writes them; keys as fleet 1.0 took them. */
const targetPath = /^\/([0-9a-f]{32})\/metadata\/([A-Za-z0-9_.-]+)$/;

function readPath(path: string): Omit<MetadataChange, 'value'> | null {
  const [, machine, key] = targetPath.exec(path) ?? [];
  if (machine === undefined || key === undefined) return null;
  return key.length > apiLimits.metadataKeyLengthMax
    ? null
    : { machine: machine as MachineId, key };
}

/** A text, or fleet 1.0's `{"value": text}`. */
function readValue(given: unknown): Result<string, string> {
  const value = isRecord(given) && Object.hasOwn(given, 'value') ? given['value'] : given;
  if (typeof value !== 'string' || value === '') return fail('.value: must be a text, not empty');
  const { metadataValueLengthMax: lengthMax } = apiLimits;
  if (value.length > lengthMax) return fail(`.value: is longer than ${lengthMax} characters`);
  return /\p{Cc}/u.test(value) ? fail('.value: must hold no control characters') : ok(value);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function shown(value: unknown): string {
  return typeof value === 'string' ? ` "${printable(value, apiLimits.echoLengthMax)}"` : '';
}
