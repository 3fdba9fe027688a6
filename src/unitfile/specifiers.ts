import { fail, ok, type Result } from '../lib/result.ts';
import { printable } from './problem.ts';
import { type UnitName, unitNameParts } from './unit-name.ts';

/** What the specifiers of `[X-Fleet]` stand for in one unit. */
export interface SpecifierValues {
  /** `%n`: the full name. */
  readonly n: string;
  /** `%N`: the name without its type. */
  readonly N: string;
  /** `%p`: the prefix, up to the first `@`. */
  readonly p: string;
  /** `%i`: the instance; empty in a unit that is none. */
  readonly i: string;
}

/** The values of a unit's specifiers. */
export function specifierValues(name: UnitName): SpecifierValues {
  const { prefix, instance } = unitNameParts(name);
  return { n: name, N: name.slice(0, name.lastIndexOf('.')), p: prefix, i: instance ?? '' };
}

/**
 * Replaces `%n %N %p %i %%`. The refusal names the specifier that is not known. `protect` is
 * applied to what is put in, for text in which some characters have a meaning.
 */
export function resolveSpecifiers(
  text: string,
  values: SpecifierValues,
  protect: (value: string) => string = (value) => value,
): Result<string, string> {
  let resolved = '';
  let index = 0;
  while (index < text.length) {
    const percent = text.indexOf('%', index);
    if (percent === -1) break;
    resolved += text.slice(index, percent);
    const letter = String.fromCodePoint(text.codePointAt(percent + 1) ?? 0x25);
    const isLast = percent + 1 >= text.length;
    if (isLast) return fail('a "%" at the end; write %% for a percent sign');
    if (letter === '%') resolved += '%';
    else if (letter === 'n' || letter === 'N' || letter === 'p' || letter === 'i') {
      resolved += protect(values[letter]);
    } else {
      const known = '%n, %N, %p, %i and %% are known here; write %% for a percent sign';
      return fail(`specifier "%${printable(letter)}" is not known; ${known}`);
    }
    index = percent + 1 + letter.length;
  }
  return ok(resolved + text.slice(index));
}

/** Whether what a text means depends on the instance: it contains `%i`, `%n` or `%N`. */
export function dependsOnInstance(text: string): boolean {
  return /^(?:[^%]|%[^inN])*%[inN]/su.test(text);
}
