import { fail, ok, type Result } from '../lib/result.ts';
import { unitFileLimits } from './limits.ts';
import { printable } from './problem.ts';

/** A compiled glob. Made only by `parseGlob`. */
export interface Glob {
  readonly pattern: string;
  /** Whether the whole of `name` matches. Never slow: at most pattern length × name length steps. */
  matches(name: string): boolean;
}

/** One character of a name, or any number of them. */
type Token =
  | { readonly kind: 'literal'; readonly character: string }
  | { readonly kind: 'one' }
  | { readonly kind: 'any' }
  | { readonly kind: 'class'; readonly isNegated: boolean; readonly ranges: readonly Range[] };

interface Range {
  readonly low: number;
  readonly high: number;
}

/**
 * Compiles a glob by the rules of Go's `path.Match`: `*` and `?` match anything but `/`, `[a-z]`
 * and `[^a-z]` one character, a backslash takes the next character literally. The refusal says what
 * is malformed.
 */
export function parseGlob(pattern: string): Result<Glob, string> {
  const characters = Array.from(pattern);
  const tokens: Token[] = [];
  let index = 0;
  while (index < characters.length) {
    const read = readToken(characters, index);
    if (!read.ok) return fail(`glob "${printable(pattern)}" is malformed: ${read.error}`);
    const isRepeated = read.value.token.kind === 'any' && tokens.at(-1)?.kind === 'any';
    if (!isRepeated) tokens.push(read.value.token);
    index = read.value.end;
  }
  return ok({ pattern, matches: matcherOf(tokens) });
}

/** Names are compared as they are where that is enough: for literals, and around one `*`. */
function matcherOf(tokens: readonly Token[]): (name: string) => boolean {
  const literal = literalOf(tokens);
  if (literal !== null) return (name) => name === literal;
  const star = tokens.findIndex(({ kind }) => kind === 'any');
  const prefix = literalOf(tokens.slice(0, Math.max(star, 0)));
  const suffix = literalOf(tokens.slice(star + 1));
  if (star === -1 || prefix === null || suffix === null) {
    return (name) => matchTokens(tokens, Array.from(name));
  }
  const lengthMin = prefix.length + suffix.length;
  return (name) => {
    if (name.length < lengthMin || !name.startsWith(prefix) || !name.endsWith(suffix)) return false;
    const slash = name.indexOf('/', prefix.length);
    return slash === -1 || slash >= name.length - suffix.length;
  };
}

/** Whether `name` matches `pattern`; a malformed pattern matches nothing. */
export function matchesGlob(pattern: string, name: string): boolean {
  return compiled(pattern)?.matches(name) ?? false;
}

const cache = new Map<string, Glob | null>();

function compiled(pattern: string): Glob | null {
  const known = cache.get(pattern);
  if (known !== undefined) return known;
  if (cache.size >= unitFileLimits.globCacheCountMax) cache.clear(); // rare, and cheap to refill
  const parsed = parseGlob(pattern);
  const glob = parsed.ok ? parsed.value : null;
  cache.set(pattern, glob);
  return glob;
}

interface Read<T> {
  readonly token: T;
  readonly end: number;
}

function readToken(characters: readonly string[], start: number): Result<Read<Token>, string> {
  const character = characters[start] ?? '';
  if (character === '*') return ok({ token: { kind: 'any' }, end: start + 1 });
  if (character === '?') return ok({ token: { kind: 'one' }, end: start + 1 });
  if (character === '[') return readClass(characters, start + 1);
  if (character !== '\\') return ok({ token: { kind: 'literal', character }, end: start + 1 });
  const escaped = characters[start + 1];
  if (escaped === undefined) return fail('it ends in a backslash; write \\\\ for a backslash');
  return ok({ token: { kind: 'literal', character: escaped }, end: start + 2 });
}

function readClass(characters: readonly string[], start: number): Result<Read<Token>, string> {
  const isNegated = characters[start] === '^';
  const ranges: Range[] = [];
  let index = isNegated ? start + 1 : start;
  while (characters[index] !== ']' || ranges.length === 0) {
    const low = readBound(characters, index);
    if (!low.ok) return low;
    index = low.value.end;
    let high = low.value.token;
    if (characters[index] === '-') {
      const bound = readBound(characters, index + 1);
      if (!bound.ok) return bound;
      high = bound.value.token;
      index = bound.value.end;
    }
    ranges.push({ low: low.value.token, high });
  }
  return ok({ token: { kind: 'class', isNegated, ranges }, end: index + 1 });
}

/** One end of a range in a class, as a code point. */
function readBound(characters: readonly string[], start: number): Result<Read<number>, string> {
  const character = characters[start];
  if (character === undefined) return fail('"[" is not closed; add a "]"');
  if (character === '-' || character === ']') {
    return fail(`"${character}" stands where a character is expected; write \\${character} for it`);
  }
  const isEscaped = character === '\\';
  const bound = isEscaped ? characters[start + 1] : character;
  if (bound === undefined) return fail('"[" is not closed; add a "]"');
  return ok({ token: bound.codePointAt(0) ?? 0, end: start + (isEscaped ? 2 : 1) });
}

function literalOf(tokens: readonly Token[]): string | null {
  let literal = '';
  for (const token of tokens) {
    if (token.kind !== 'literal') return null;
    literal += token.character;
  }
  return literal;
}

/** Goes back only to the last `*`: what an earlier one could take, the last one can take too. */
function matchTokens(tokens: readonly Token[], name: readonly string[]): boolean {
  let tokenIndex = 0;
  let nameIndex = 0;
  let retryToken = -1;
  let retryName = 0;
  while (nameIndex < name.length || tokenIndex < tokens.length) {
    const token = tokens[tokenIndex];
    const character = name[nameIndex];
    if (token?.kind === 'any') {
      retryToken = tokenIndex;
      retryName = nameIndex;
      tokenIndex += 1;
    } else if (token !== undefined && character !== undefined && takes(token, character)) {
      tokenIndex += 1;
      nameIndex += 1;
    } else {
      const skipped = name[retryName];
      if (retryToken === -1 || skipped === undefined || skipped === '/') return false;
      retryName += 1;
      nameIndex = retryName;
      tokenIndex = retryToken + 1;
    }
  }
  return true;
}

function takes(token: Token, character: string): boolean {
  if (token.kind === 'literal') return token.character === character;
  if (token.kind === 'class') {
    const code = character.codePointAt(0) ?? 0;
    const isListed = token.ranges.some(({ low, high }) => low <= code && code <= high);
    return isListed !== token.isNegated;
  }
  return character !== '/';
}
