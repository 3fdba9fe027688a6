// Protocol buffers, as little of them as the keeper thread speaks: integers and byte strings.

const varintFields = 0;
const byteFields = 2;

/** An integer field. */
export function intField(number: number, value: bigint): Uint8Array {
  return Uint8Array.from([...varint(BigInt(number << 3) | BigInt(varintFields)), ...varint(value)]);
}

/** A field that holds bytes, text as UTF-8, or another message. */
export function bytesField(number: number, value: Uint8Array | string): Uint8Array {
  const bytes = Buffer.from(value);
  const head = [
    ...varint(BigInt(number << 3) | BigInt(byteFields)),
    ...varint(BigInt(bytes.length)),
  ];
  return Buffer.concat([Uint8Array.from(head), bytes]);
}

/** A message of these fields. */
export function message(...fields: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(fields);
}

/** The fields of a message by number; of those that repeat, the last. */
export interface Fields {
  /** 0 when it is left out, as the format has it. */
  int(number: number): bigint;
  bytes(number: number): Uint8Array;
}

/** Reads a message. Throws when it is cut short or holds what the format does not have. */
export function readFields(bytes: Uint8Array): Fields {
  const ints = new Map<number, bigint>();
  const blobs = new Map<number, Uint8Array>();
  const source = { bytes, at: 0 };
  while (source.at < bytes.length) {
    const tag = Number(readVarint(source));
    const number = tag >> 3;
    switch (tag & 7) {
      case varintFields:
        ints.set(number, BigInt.asIntN(64, readVarint(source)));
        break;
      case 1:
        take(source, 8);
        break;
      case byteFields:
        blobs.set(number, take(source, Number(readVarint(source))));
        break;
      case 5:
        take(source, 4);
        break;
      default:
        throw new Error(`no protocol buffer: field of kind ${tag & 7}`);
    }
  }
  return {
    int: (number) => ints.get(number) ?? 0n,
    bytes: (number) => blobs.get(number) ?? new Uint8Array(),
  };
}

interface Source {
  readonly bytes: Uint8Array;
  at: number;
}

function varint(value: bigint): number[] {
  const parts: number[] = [];
  let rest = BigInt.asUintN(64, value);
  while (rest > 0x7fn) {
    parts.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  return [...parts, Number(rest)];
}

const varintBytesMax = 10;

function readVarint(source: Source): bigint {
  let value = 0n;
  for (let count = 0; count < varintBytesMax; count += 1) {
    const [byte = 0] = take(source, 1);
    value |= BigInt(byte & 0x7f) << BigInt(7 * count);
    if (byte < 0x80) return BigInt.asUintN(64, value);
  }
  throw new Error('no protocol buffer: an integer does not end');
}

function take(source: Source, count: number): Uint8Array {
  const end = source.at + count;
  if (end > source.bytes.length) throw new Error('no protocol buffer: it is cut short');
  const part = source.bytes.subarray(source.at, end);
  source.at = end;
  return part;
}
