import {
  type Document,
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Pair,
  parseDocument,
  type Scalar,
  type YAMLMap,
} from 'yaml';
import { printable } from '../unitfile/problem.ts';
import { cloudinitLimits } from './limits.ts';
import { errorAt, type Place, type Problem, topOfFile } from './problem.ts';

/** A YAML document without what is YAML's own: aliases and merged maps are followed. */
export type Tree =
  | { readonly kind: 'nothing'; readonly place: Place }
  | ScalarTree
  | { readonly kind: 'list'; readonly place: Place; readonly items: readonly Tree[] }
  | { readonly kind: 'map'; readonly place: Place; readonly entries: readonly TreeEntry[] };

/** A word, a number or a text. */
export interface ScalarTree {
  readonly kind: 'scalar';
  readonly place: Place;
  /** As YAML 1.1 understands it: `yes` is true, `0644` a number. */
  readonly value: unknown;
  /** As it is written; a quoted one without its quotes. */
  readonly text: string;
  /** Where the first line of a literal block (`|`) stands; null for what is written otherwise. */
  readonly block: Place | null;
}

/** One key of a map. Its dashes are underscores: both spellings are the same key. */
export interface TreeEntry {
  readonly key: string;
  readonly place: Place;
  readonly value: Tree;
}

/** A document, and all that is wrong with its grammar. */
export interface ReadTree {
  readonly tree: Tree;
  readonly problems: readonly Problem[];
}

/** Reads a text as YAML 1.1, as which the dialect is written; never throws. */
export function readTree(text: string): ReadTree {
  const lineCounter = new LineCounter();
  const problems: Problem[] = [];
  const nothing: Tree = { kind: 'nothing', place: topOfFile };
  try {
    const document = parseDocument(text, {
      ...{ version: '1.1', lineCounter, prettyErrors: false, logLevel: 'error' },
    });
    const walk: Walk = { document, lineCounter, lines: text.split('\n'), problems, nodeCount: 0 };
    for (const { pos, message } of [...document.errors, ...document.warnings]) {
      const what = printable(message, 200);
      problems.push(errorAt(placeAt(walk, pos[0]), `not YAML: ${what}; see indents and quotes`));
    }
    if (problems.length > 0) return { tree: nothing, problems };
    return { tree: toTree(walk, document.contents, 0), problems };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    // The parser goes down a level of its own for each bracket, until its stack is used up.
    const what = 'not YAML that can be read: lists and maps inside of each other without end';
    return { tree: nothing, problems: [errorAt(topOfFile, `${what}; is this the right file?`)] };
  }
}

interface Walk {
  readonly document: Document;
  readonly lineCounter: LineCounter;
  readonly lines: readonly string[];
  readonly problems: Problem[];
  nodeCount: number;
}

function placeAt({ lineCounter }: Walk, offset: number): Place {
  const { line, col } = lineCounter.linePos(offset);
  return { line: Math.max(line, 1), column: Math.max(col, 1) };
}

function placeOf(walk: Walk, node: unknown): Place {
  const range = (node as { readonly range?: readonly number[] | null } | null)?.range;
  return range?.[0] === undefined ? topOfFile : placeAt(walk, range[0]);
}

function toTree(walk: Walk, node: unknown, depth: number): Tree {
  const place = placeOf(walk, node);
  walk.nodeCount += 1;
  const { nodeCountMax, depthMax } = cloudinitLimits;
  if (walk.nodeCount > nodeCountMax || depth > depthMax) {
    if (walk.problems.length === 0) {
      const limits = `${nodeCountMax} values, ${depthMax} levels`;
      walk.problems.push(
        errorAt(place, `more than a config may have (${limits}); make it smaller`),
      );
    }
    return { kind: 'nothing', place };
  }
  if (isAlias(node)) {
    const meant = node.resolve(walk.document);
    if (meant !== undefined) return toTree(walk, meant, depth + 1);
    const what = `*${printable(node.source)} has no &${printable(node.source)} before it`;
    walk.problems.push(errorAt(place, `${what}; write the value itself`));
    return { kind: 'nothing', place };
  }
  if (isSeq(node)) {
    return { kind: 'list', place, items: node.items.map((item) => toTree(walk, item, depth + 1)) };
  }
  if (isMap(node)) return { kind: 'map', place, entries: entriesOf(walk, node, depth) };
  if (isPair(node)) return { kind: 'nothing', place };
  if (!isScalar(node) || node.value === null || node.value === undefined) {
    return { kind: 'nothing', place };
  }
  return scalarTree(walk, node, place);
}

function scalarTree(walk: Walk, node: Scalar, place: Place): Tree {
  const { value } = node;
  const isWritten = node.type === 'PLAIN' && typeof node.source === 'string';
  const text = isWritten ? node.source : textOf(value);
  const block = node.type === 'BLOCK_LITERAL' ? blockPlace(walk, place) : null;
  return { kind: 'scalar', place, value, text: text ?? '', block };
}

function textOf(value: unknown): string {
  return value instanceof Uint8Array ? Buffer.from(value).toString('utf8') : String(value);
}

/** Below the line with the `|`, as far in as the first line that has something. */
function blockPlace({ lines }: Walk, { line }: Place): Place {
  const first = lines.slice(line).find((candidate) => candidate.trim() !== '') ?? '';
  return { line: line + 1, column: first.length - first.trimStart().length + 1 };
}

function entriesOf(walk: Walk, map: YAMLMap, depth: number): readonly TreeEntry[] {
  const own: TreeEntry[] = [];
  const merged: TreeEntry[] = [];
  for (const pair of map.items) {
    const key = keyOf(pair);
    if (key === null) {
      walk.problems.push(errorAt(placeOf(walk, pair.key), 'a key is a word; write KEY: VALUE'));
    } else if (key === '<<') {
      merged.push(...mergedEntries(toTree(walk, pair.value, depth + 1)));
    } else {
      addEntry(walk, own, { key, place: placeOf(walk, pair.key), value: pair.value }, depth);
    }
  }
  const names = new Set(own.map(({ key }) => key));
  return [...own, ...merged.filter(({ key }) => !names.has(key))];
}

function addEntry(
  walk: Walk,
  own: TreeEntry[],
  pair: { readonly key: string; readonly place: Place; readonly value: unknown },
  depth: number,
): void {
  const key = pair.key.replaceAll('-', '_');
  const before = own.find((entry) => entry.key === key);
  if (before !== undefined) {
    const why = `"${printable(pair.key)}" stands in line ${before.place.line} already`;
    walk.problems.push(errorAt(pair.place, `${why}; keep one of them`));
    return;
  }
  const value = toTree(walk, pair.value, depth + 1);
  // A value that is missing has no place: its key is the next best.
  const isNowhere = value.kind === 'nothing' && value.place === topOfFile;
  own.push({ key, place: pair.place, value: isNowhere ? { ...value, place: pair.place } : value });
}

function mergedEntries(tree: Tree): readonly TreeEntry[] {
  if (tree.kind === 'map') return tree.entries;
  return tree.kind === 'list' ? tree.items.flatMap(mergedEntries) : [];
}

function keyOf({ key }: Pair): string | null {
  if (!isScalar(key)) return null;
  if (key.type === 'PLAIN' && typeof key.source === 'string') return key.source;
  return typeof key.value === 'string' ? key.value : null;
}
