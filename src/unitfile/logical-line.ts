/** One line of a file without its line end, and its number from 1. */
interface PhysicalLine {
  readonly number: number;
  readonly body: string;
  /** The body with everything the file has there: byte order mark, line end. */
  readonly raw: string;
}

/** A stretch of a logical line that stands on one line of the file. */
export interface LinePiece {
  /** From 1. */
  readonly line: number;
  /** How many characters stand before `text` on that line. */
  readonly indent: number;
  /** Without the line end; with the backslash that continues it, if one does. */
  readonly text: string;
}

/** What systemd reads as one line: a line and those that continue it. */
export interface LogicalLine {
  readonly raw: string;
  readonly isComment: boolean;
  /** At least one, and in a continued line one more than it has continuing backslashes. */
  readonly pieces: readonly LinePiece[];
}

const lineEnd = /\r\n|\n\r|\n|\r/g;
const byteOrderMark = '\uFEFF';

/**
 * Cuts a text as systemd's `config_parse` does: lines end with LF, CR or both; a line whose first
 * visible character is `#` or `;` is a comment, even between a line and its continuation; an odd
 * number of backslashes at the very end continues a line. The `raw`s joined are the text again.
 */
export function logicalLines(text: string): readonly LogicalLine[] {
  const lines: LogicalLine[] = [];
  let raw = '';
  let pieces: LinePiece[] = [];
  const close = (): void => {
    lines.push({ raw, isComment: false, pieces });
    raw = '';
    pieces = [];
  };
  let lastNumber = 0;
  for (const { number, body, raw: rawLine } of physicalLines(text)) {
    lastNumber = number;
    raw += rawLine;
    const piece = { line: number, indent: 0, text: body };
    if (/^[ \t]*[#;]/.test(body)) {
      if (pieces.length > 0) continue; // a comment inside a continued line is passed over
      lines.push({ raw, isComment: true, pieces: [piece] });
      raw = '';
      continue;
    }
    pieces.push(piece);
    if (!isContinued(body)) close();
  }
  if (pieces.length > 0) {
    // The file ends where a continuation was promised: systemd takes what it has.
    pieces.push({ line: lastNumber, indent: 0, text: '' });
    close();
  }
  return lines;
}

/** The piece as systemd joins it: the continuing backslash becomes a space. */
export function joinedText(pieces: readonly LinePiece[]): string {
  return pieces
    .map(({ text }, index) => (index < pieces.length - 1 ? `${text.slice(0, -1)} ` : text))
    .join('');
}

function* physicalLines(text: string): Generator<PhysicalLine> {
  let start = text.startsWith(byteOrderMark) ? byteOrderMark.length : 0;
  let rawStart = 0;
  let number = 1;
  for (const match of text.matchAll(lineEnd)) {
    const rawEnd = match.index + match[0].length;
    yield { number, body: text.slice(start, match.index), raw: text.slice(rawStart, rawEnd) };
    start = rawEnd;
    rawStart = rawEnd;
    number += 1;
  }
  if (rawStart < text.length) yield { number, body: text.slice(start), raw: text.slice(rawStart) };
}

function isContinued(body: string): boolean {
  let backslashes = 0;
  while (body[body.length - 1 - backslashes] === '\\') backslashes += 1;
  return backslashes % 2 === 1;
}
