import { fail, ok, type Result } from '../lib/result.ts';

/** A word of a value and where it begins in it (an index from 0). */
export interface Word {
  readonly text: string;
  readonly offset: number;
}

/** Why a value could not be split, and where. */
export interface WordProblem {
  readonly offset: number;
  readonly text: string;
  readonly message: string;
}

/**
 * Splits a value in words as systemd's `extract_first_word` does: blanks separate, single and
 * double quotes (anywhere in a word) keep blanks.
 *
 * `escapes` says what a backslash is: `decode` reads C escapes and keeps unknown ones as they are
 * (as in `ExecStart=`), `keep` takes it for any other character (as in lists of unit names, whose
 * `\x2d` must survive).
 */
export function splitWords(
  value: string,
  escapes: 'decode' | 'keep',
): Result<readonly Word[], WordProblem> {
  const words: Word[] = [];
  let index = 0;
  while (index < value.length) {
    if (isBlank(value.charAt(index))) {
      index += 1;
      continue;
    }
    const read = readWord(value, index, escapes);
    if (!read.ok) return read;
    words.push({ text: read.value.text, offset: index });
    index = read.value.end;
  }
  return ok(words);
}

function readWord(
  value: string,
  start: number,
  escapes: 'decode' | 'keep',
): Result<{ readonly text: string; readonly end: number }, WordProblem> {
  const parts: (string | number)[] = []; // numbers are single bytes from \x and octal escapes
  let quote: string | null = null;
  let quotedAt = start;
  let index = start;
  while (index < value.length) {
    const character = value.charAt(index);
    if (character === '\\' && escapes === 'decode') {
      const read = readEscape(value, index + 1);
      parts.push(read.value);
      index = read.end;
      continue;
    }
    if (quote === null && isBlank(character)) break;
    if (character === quote) quote = null;
    else if (quote === null && (character === '"' || character === "'")) {
      quote = character;
      quotedAt = index;
    } else parts.push(character);
    index += 1;
  }
  if (quote !== null) {
    const text = value.slice(quotedAt);
    return fail({ offset: quotedAt, text, message: `this quote is not closed; add a ${quote}` });
  }
  const text = textOf(parts);
  if (text !== null) return ok({ text, end: index });
  const message = 'its escapes do not make valid UTF-8; write the characters themselves';
  return fail({ offset: start, text: value.slice(start, index), message });
}

const isBlank = (character: string): boolean => ' \t\n\r'.includes(character);

/** The letters after a backslash that stand for one character each. */
const simpleEscapes: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  s: ' ',
  '\\': '\\',
  '"': '"',
  "'": "'",
};

const codedEscape = /x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})/y;

/** Reads what follows a backslash; what is no escape stands for itself, backslash and all. */
function readEscape(
  value: string,
  start: number,
): { readonly value: string | number; readonly end: number } {
  const letter = value.charAt(start);
  const simple = simpleEscapes[letter];
  if (simple !== undefined) return { value: simple, end: start + 1 };
  codedEscape.lastIndex = start;
  const [whole = '', hex, four, eight, octal] = codedEscape.exec(value) ?? [];
  const end = start + whole.length;
  const byte = hex === undefined ? Number.parseInt(octal ?? '', 8) : Number.parseInt(hex, 16);
  if (byte > 0 && byte <= 255) return { value: byte, end };
  const code = Number.parseInt(four ?? eight ?? '', 16);
  const isCharacter = code > 0 && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
  if (isCharacter) return { value: String.fromCodePoint(code), end };
  return { value: `\\${letter}`, end: start + letter.length };
}

function textOf(parts: readonly (string | number)[]): string | null {
  if (parts.every((part) => typeof part === 'string')) return parts.join('');
  const runs: Buffer[] = [];
  let plain = '';
  for (const part of parts) {
    if (typeof part === 'string') plain += part;
    else {
      runs.push(Buffer.from(plain), Buffer.of(part));
      plain = '';
    }
  }
  const bytes = Buffer.concat([...runs, Buffer.from(plain)]);
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null; // the only error it has is that the bytes are not UTF-8
  }
}
