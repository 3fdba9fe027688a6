import { printable } from '../unitfile/problem.ts';

const limits = {
  /** Lines that are shown; of the rest only the number. */
  shownCount: 30,
  /** Unchanged lines around a change. */
  contextCount: 2,
  /** Pairs of lines that are compared; beyond them a change is shown as a whole. */
  pairCount: 4_000_000,
  lineLength: 200,
} as const;

interface Line {
  readonly sign: ' ' | '-' | '+';
  readonly text: string;
}

/** The lines that differ between two texts with a little around them, as `diff -u` writes them. */
export function shortDiff(before: string, after: string): readonly string[] {
  const lines = [...diffLines(before.split('\n'), after.split('\n'))];
  const last = lines.at(-1);
  if (last?.sign === ' ' && last.text === '') lines.pop(); // what stands after the last newline
  const isNear = nearChanges(lines);
  const shown: string[] = [];
  for (const [index, { sign, text }] of lines.entries()) {
    if (isNear[index] === true) shown.push(sign + printable(text, limits.lineLength));
    else if (isNear[index - 1] === true && isNear.includes(true, index)) shown.push(' …');
  }
  const restCount = shown.length - limits.shownCount;
  if (restCount <= 0) return shown;
  return [...shown.slice(0, limits.shownCount), ` … and ${restCount} more lines`];
}

function diffLines(before: readonly string[], after: readonly string[]): readonly Line[] {
  let start = 0;
  while (start < before.length && start < after.length && before[start] === after[start])
    start += 1;
  let end = 0;
  const endMax = Math.min(before.length, after.length) - start;
  while (end < endMax && before.at(-1 - end) === after.at(-1 - end)) end += 1;
  const old = before.slice(start, before.length - end);
  const fresh = after.slice(start, after.length - end);
  return [
    ...before.slice(0, start).map(toLine(' ')),
    ...(old.length * fresh.length > limits.pairCount
      ? [...old.map(toLine('-')), ...fresh.map(toLine('+'))]
      : align(old, fresh)),
    ...before.slice(before.length - end).map(toLine(' ')),
  ];
}

function toLine(sign: Line['sign']): (text: string) => Line {
  return (text) => ({ sign, text });
}

/** Keeps the longest common subsequence. */
function align(old: readonly string[], fresh: readonly string[]): readonly Line[] {
  const width = fresh.length + 1;
  const common = new Uint32Array((old.length + 1) * width); // of what stands from here on
  const at = (row: number, column: number): number => common[row * width + column] ?? 0;
  for (let row = old.length - 1; row >= 0; row -= 1) {
    for (let column = fresh.length - 1; column >= 0; column -= 1) {
      common[row * width + column] =
        old[row] === fresh[column]
          ? at(row + 1, column + 1) + 1
          : Math.max(at(row + 1, column), at(row, column + 1));
    }
  }
  const lines: Line[] = [];
  let [row, column] = [0, 0];
  while (row < old.length || column < fresh.length) {
    const [gone, come] = [old[row], fresh[column]];
    if (gone !== undefined && gone === come) {
      lines.push({ sign: ' ', text: gone });
      row += 1;
      column += 1;
    } else if (
      gone !== undefined &&
      (come === undefined || at(row + 1, column) >= at(row, column + 1))
    ) {
      lines.push({ sign: '-', text: gone });
      row += 1;
    } else {
      lines.push({ sign: '+', text: come ?? '' });
      column += 1;
    }
  }
  return lines;
}

function nearChanges(lines: readonly Line[]): readonly boolean[] {
  const isNear = lines.map(() => false);
  for (const [index, { sign }] of lines.entries()) {
    if (sign === ' ') continue;
    const first = Math.max(index - limits.contextCount, 0);
    isNear.fill(true, first, Math.min(index + limits.contextCount + 1, lines.length));
  }
  return isNear;
}
