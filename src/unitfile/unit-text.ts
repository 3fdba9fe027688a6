import { fail, ok, type Result } from '../lib/result.ts';
import { unitFileLimits } from './limits.ts';
import { printable, type SyntaxProblem } from './problem.ts';

/**
 * Whether this can be a unit file at all: at most `unitFileBytesMax` bytes of valid UTF-8 without
 * NUL. Gives the text, which encodes to the same bytes again (a byte order mark stays).
 */
export function checkUnitText(input: string | Uint8Array): Result<string, SyntaxProblem> {
  const bytes = typeof input === 'string' ? Buffer.from(input) : Buffer.from(input);
  const bytesMax = unitFileLimits.unitFileBytesMax;
  if (bytes.length > bytesMax) {
    const text = bytes.toString('utf8', 0, 4 * unitFileLimits.problemTextLengthMax + 8);
    const why = `the file has ${bytes.length} bytes and a unit file may have ${bytesMax}`;
    const message = `${why}; keep scripts and data in files of their own`;
    return fail({ line: 1, column: 1, text: printable(text), message });
  }
  const text = typeof input === 'string' ? input : bytes.toString('utf8');
  const nul = text.indexOf('\0');
  if (nul !== -1) {
    return fail(problemAt(text, nul, 'a NUL byte cannot stand in a unit file; is it a text file?'));
  }
  const broken = firstBroken(text, bytes);
  if (broken === -1) return ok(text);
  return fail(problemAt(text, broken, 'the file is not valid UTF-8 here; save it as UTF-8'));
}

function problemAt(text: string, index: number, message: string): SyntaxProblem {
  const before = text.slice(0, index).split(/\r\n|\n\r|\n|\r/);
  const column = Array.from((before.at(-1) ?? '').replace(/^\uFEFF/, '')).length + 1;
  const shown = printable(text.slice(index, index + 2 * unitFileLimits.problemTextLengthMax));
  return { line: before.length, column, text: shown, message };
}

/** Where text and bytes part: U+FFFD that is not in the bytes, or half a surrogate pair. */
function firstBroken(text: string, bytes: Buffer): number {
  const encoded = Buffer.from(text);
  if (text.isWellFormed() && encoded.equals(bytes)) return -1;
  const halfPair = text.search(/\p{Surrogate}/u);
  if (halfPair !== -1) return halfPair;
  const differs = encoded.findIndex((byte, index) => byte !== bytes[index]);
  return encoded.toString('utf8', 0, differs === -1 ? bytes.length : differs).length;
}
