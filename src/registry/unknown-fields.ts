import type { Decoder } from './decoder.ts';

/** What a decoder reads. */
type Known = Pick<Decoder<unknown>, 'fields'>;

/**
 * `value` with the fields that `over`, an older value of the same, has and `known` does not read, in
 * records within it too: what a newer version wrote there outlives us. A field that is read and not
 * in `value` was taken away.
 */
export function withUnknownOf(value: object, over: unknown, known: Known): object {
  if (!isPlain(over)) return value;
  const { fields = {} } = known;
  const kept = Object.entries(over).filter(([name]) => !Object.hasOwn(fields, name));
  const own = Object.entries(value).map(([name, item]) => [name, within(name, item)]);
  return Object.fromEntries([...kept, ...own]);

  function within(name: string, item: unknown): unknown {
    const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
    const before = isPlain(over) ? over[name] : undefined;
    return field?.fields !== undefined && isPlain(item) ? withUnknownOf(item, before, field) : item;
  }
}

/** Whether it has fields that `known` does not read, in records within it too. */
export function hasUnknown(value: unknown, known: Known): boolean {
  const { fields } = known;
  if (fields === undefined || !isPlain(value)) return false;
  return Object.entries(value).some(([name, item]) => {
    const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
    return field === undefined || hasUnknown(item, field);
  });
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Map)
  );
}
