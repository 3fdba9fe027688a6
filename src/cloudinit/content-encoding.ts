import { gunzipSync } from 'node:zlib';
import { messageOf } from '../lib/error.ts';
import { fail, ok, type Result } from '../lib/result.ts';
import { cloudinitLimits } from './limits.ts';

/** How the content of a file may be written; empty: as it is. */
export const contentEncodings: ReadonlySet<string> = new Set([
  ...['', 'base64', 'b64', 'gzip', 'gz'],
  ...['gzip+base64', 'gz+base64', 'gzip+b64', 'gz+b64'],
]);

/** The bytes that an encoded content stands for. The refusal says what is wrong with it. */
export function decodeContent(content: Buffer, encoding: string): Result<Buffer, string> {
  const [first = '', second] = encoding.split('+');
  const isPacked = first.startsWith('gz');
  if (encoding === '') return ok(content);
  if (!isPacked || second !== undefined) {
    const bytes = fromBase64(content.toString('utf8'));
    return bytes.ok && isPacked ? unpacked(bytes.value) : bytes;
  }
  return unpacked(content);
}

function fromBase64(text: string): Result<Buffer, string> {
  const digits = text.replace(/\s/g, '');
  const foreign = /[^A-Za-z0-9+/=]/.exec(digits)?.[0];
  if (foreign !== undefined) return fail(`"${foreign}" is no digit of base64`);
  if (!/^[^=]*={0,2}$/.test(digits) || digits.length % 4 !== 0) return fail('a part is missing');
  return ok(Buffer.from(digits, 'base64'));
}

/** Unpacks gzip, and no more of it than a config may bring. */
export function unpacked(
  bytes: Uint8Array,
  bytesMax: number = cloudinitLimits.fileBytesMax,
): Result<Buffer, string> {
  try {
    return ok(gunzipSync(bytes, { maxOutputLength: bytesMax }));
  } catch (error) {
    const isLarge = error instanceof RangeError;
    return fail(isLarge ? `more than ${bytesMax} bytes when unpacked` : messageOf(error));
  }
}
