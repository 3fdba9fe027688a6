import { messageOf } from '../lib/error.ts';
import { fail, ok, type Result } from '../lib/result.ts';

/** Reads a `T` out of anything; what does not fit is thrown, and caught in `decode`. */
export type Decoder<T> = ((value: unknown, where: string) => T) & {
  /** Of a record, also of one that may be missing: the fields that it reads. */
  readonly fields?: Readonly<Record<string, Decoder<unknown>>>;
};

/** Thrown inside decoders only. */
class DecodeFailure extends Error {}

/** Total: whatever the text is, the answer is what its JSON says, or what is wrong with it. */
export function parse(text: string): Result<unknown, string> {
  try {
    return ok(JSON.parse(text));
  } catch (thrown) {
    return fail(messageOf(thrown));
  }
}

/** Total: whatever it is, the answer is a value or says what is wrong with it. */
export function decode<T>(value: unknown, decoder: Decoder<T>): Result<T, string> {
  try {
    return ok(decoder(value, 'record'));
  } catch (thrown) {
    return fail(messageOf(thrown));
  }
}

export const aString: Decoder<string> = (value, where) =>
  typeof value === 'string' ? value : refuse(where, 'a text');

export const aBoolean: Decoder<boolean> = (value, where) =>
  typeof value === 'boolean' ? value : refuse(where, 'true or false');

export const aTrue: Decoder<true> = (value, where) =>
  value === true ? true : refuse(where, 'true');

/** A whole number from 0 on. */
export const aCount: Decoder<number> = (value, where) =>
  Number.isSafeInteger(value) && Number(value) >= 0 ? Number(value) : refuse(where, 'a count');

/** A text that is branded as soon as it is a text of the right shape. */
export function aText<T extends string>(shape: RegExp, what: string): Decoder<T> {
  return (value, where) => {
    const text = aString(value, where);
    return shape.test(text) ? (text as T) : refuse(where, what);
  };
}

export function oneOf<T extends string>(...choices: readonly T[]): Decoder<T> {
  return (value, where) =>
    choices.find((choice) => choice === value) ?? refuse(where, `one of ${choices.join(', ')}`);
}

export function orNull<T>(decoder: Decoder<T>): Decoder<T | null> {
  return (value, where) => (value === null ? null : decoder(value, where));
}

/** For a field that may be missing. */
export function orAbsent<T>(decoder: Decoder<T>): Decoder<T | undefined> {
  const { fields } = decoder;
  const optional: Decoder<T | undefined> = (value, where) =>
    value === undefined ? undefined : decoder(value, where);
  return fields === undefined ? optional : Object.assign(optional, { fields });
}

export function listOf<T>(decoder: Decoder<T>): Decoder<readonly T[]> {
  return (value, where) =>
    Array.isArray(value)
      ? value.map((item, index) => decoder(item, `${where}[${index}]`))
      : refuse(where, 'a list');
}

/** An object as a map with its keys in order. */
export function mapOf<T>(decoder: Decoder<T>): Decoder<ReadonlyMap<string, T>> {
  return (value, where) => {
    const entries = Object.entries(anObject(value, where)).sort(([left], [right]) =>
      left < right ? -1 : 1,
    );
    return new Map(entries.map(([key, item]) => [key, decoder(item, `${where}.${key}`)]));
  };
}

/** An object with at least these fields; others are ignored. */
export function record<T extends object>(
  fields: {
    readonly [Name in keyof T]-?: Decoder<T[Name] | undefined>;
  },
): Decoder<T> {
  const entries = Object.entries<Decoder<unknown>>(fields);
  const decoder: Decoder<T> = (value, where) => {
    const source = anObject(value, where);
    const read: Record<string, unknown> = {};
    for (const [name, decoder] of entries) {
      const field = decoder(source[name], `${where}.${name}`);
      if (field !== undefined) read[name] = field;
    }
    return read as T;
  };
  return Object.assign(decoder, { fields });
}

function anObject(value: unknown, where: string): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : refuse(where, 'an object');
}

function refuse(where: string, wanted: string): never {
  throw new DecodeFailure(`${where} is not ${wanted}`);
}
