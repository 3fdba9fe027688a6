import { printable } from '../unitfile/problem.ts';
import { errorAt, type Place, type Problem, warningAt } from './problem.ts';
import type { ScalarTree, Tree } from './yaml-tree.ts';

/** What a key takes. `text` takes any word, as it is written: `off`, `0644`, `14:00`. */
export type FieldType = 'text' | 'truth' | 'whole' | 'number' | 'texts' | 'maps' | 'map';

/** A key that was given, and its value. */
export interface Field {
  readonly key: string;
  readonly place: Place;
  readonly value: Tree;
}

/** The keys of one map that are known and of the right type. */
export type Fields = ReadonlyMap<string, Field>;

const typeWords: Readonly<Record<FieldType, string>> = {
  text: 'a text',
  truth: 'true or false',
  whole: 'a whole number',
  number: 'a number',
  texts: 'a list of texts, each on a line of its own behind a "- "',
  maps: 'a list of maps, each begun by a "- "',
  map: 'a map: lines of KEY: VALUE, further in than the key above them',
};

/** How far a word may be from a key that it is taken for. */
const typoDistanceMax = 2;

/**
 * Reads the keys of a map. Unknown ones are warned about and keys without a value passed over, as
 * ever; a value of the wrong type is an error.
 */
export function readFields(
  tree: Tree,
  { path, types }: { readonly path: string; readonly types: Readonly<Record<string, FieldType>> },
  problems: Problem[],
): Fields {
  const fields = new Map<string, Field>();
  if (tree.kind === 'nothing') return fields;
  if (tree.kind !== 'map') {
    problems.push(errorAt(tree.place, `${path === '' ? 'the file' : path} is ${typeWords.map}`));
    return fields;
  }
  for (const { key, place, value } of tree.entries) {
    const type = Object.hasOwn(types, key) ? types[key] : undefined;
    const shown = path === '' ? printable(key) : `${path}.${printable(key)}`;
    if (type === undefined) {
      problems.push(warningAt(place, unknownKey(shown, key, Object.keys(types))));
    } else if (value.kind !== 'nothing') {
      const { fitting, misfits } = ofType(value, type);
      if (fitting !== null) fields.set(key, { key, place, value: fitting });
      for (const misfit of misfits) {
        const what = `${shown} is ${typeWords[type]}${insteadOf(misfit)}`;
        problems.push(errorAt(misfit.place, what));
      }
    }
  }
  return fields;
}

/** The text of a field; null when it was not given. */
export function textOf(field: Field | undefined): string | null {
  return field?.value.kind === 'scalar' ? field.value.text : null;
}

/** The scalar of a field, for its block or its bytes. */
export function scalarOf(field: Field | undefined): ScalarTree | null {
  return field?.value.kind === 'scalar' ? field.value : null;
}

/** Not given is false. */
export function isTrue(field: Field | undefined): boolean {
  return field?.value.kind === 'scalar' && field.value.value === true;
}

/** The items of a list; none when it was not given. */
export function itemsOf(field: Field | undefined): readonly Tree[] {
  return field?.value.kind === 'list' ? field.value.items : [];
}

/** The part of a value that is of a type, and what is not: of a list, items of it. */
function ofType(
  value: Tree,
  type: FieldType,
): { readonly fitting: Tree | null; readonly misfits: readonly Tree[] } {
  if (!isOfType(value, type)) return { fitting: null, misfits: [value] };
  if (value.kind !== 'list') return { fitting: value, misfits: [] };
  const wanted = type === 'maps' ? 'map' : 'scalar';
  const items = value.items.filter(({ kind }) => kind === wanted);
  const misfits = value.items.filter(({ kind }) => kind !== wanted);
  return { fitting: { ...value, items }, misfits };
}

function isOfType(value: Tree, type: FieldType): boolean {
  switch (type) {
    case 'text':
      return value.kind === 'scalar';
    case 'truth':
      return value.kind === 'scalar' && typeof value.value === 'boolean';
    case 'whole':
      return value.kind === 'scalar' && Number.isSafeInteger(value.value);
    case 'number':
      return value.kind === 'scalar' && Number.isFinite(value.value);
    case 'texts':
    case 'maps':
      return value.kind === 'list';
    case 'map':
      return value.kind === 'map';
  }
}

function insteadOf(value: Tree): string {
  switch (value.kind) {
    case 'scalar':
      return `, not "${printable(value.text)}"`;
    case 'list':
      return ', not this list';
    case 'map':
      return ', not this map';
    case 'nothing':
      return ', and nothing stands here';
  }
}

function unknownKey(shown: string, key: string, known: readonly string[]): string {
  const near = known.find((candidate) => distance(candidate, key) <= typoDistanceMax);
  const guess = near === undefined ? 'take it out' : `did you mean ${near}?`;
  return `${shown} is not a key of cloud-config and has no effect; ${guess}`;
}

/** Edits between two words; counts no further than it matters. */
function distance(left: string, right: string): number {
  if (Math.abs(left.length - right.length) > typoDistanceMax) return typoDistanceMax + 1;
  let row = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (const [i, character] of [...left].entries()) {
    const next = [i + 1];
    for (const [j, other] of [...right].entries()) {
      const change = (row[j] ?? 0) + (character === other ? 0 : 1);
      next.push(Math.min(change, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
