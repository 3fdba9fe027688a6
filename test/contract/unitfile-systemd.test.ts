// Holds src/unitfile against the systemd of this computer: `systemd-analyze verify` needs no systemd
// running as PID 1. It echoes what it cannot use, which shows what it has read.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { joinedText, logicalLines } from '../../src/unitfile/logical-line.ts';
import { splitWords } from '../../src/unitfile/quoting.ts';
import {
  checkUnitText,
  optionValues,
  parseUnitFile,
  serializeUnitFile,
  unitOptions,
} from '../../src/unitfile/unit-file.ts';
import { parseUnitName, unitTypes } from '../../src/unitfile/unit-name.ts';
import { aUnitFile } from '../builders/unit-file.ts';

/** One line of systemd's output. */
interface Remark {
  readonly line: number;
  readonly message: string;
}

const seed = 20_261_121;
const fileCountMax = 400; // one run of systemd-analyze

/** What systemd remarks on each text, in order. */
function remarksOn(texts: readonly (string | Buffer)[]): readonly (readonly Remark[])[] {
  const folder = mkdtempSync(join(tmpdir(), 'unitfile-'));
  try {
    const paths = texts.map((text, index) => {
      const path = join(folder, `t${index}.service`);
      writeFileSync(path, text);
      return path;
    });
    const output = verify(paths);
    const remarks: Remark[][] = texts.map(() => []);
    for (const match of output.matchAll(/^\S*\/t(\d+)\.service:(\d+): (.*)$/gm)) {
      remarks[Number(match[1])]?.push({ line: Number(match[2]), message: match[3] ?? '' });
    }
    return remarks;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function verify(paths: readonly string[]): string {
  const run = spawnSync(
    'systemd-analyze',
    ['verify', '--man=no', '--recursive-errors=no', ...paths],
    { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C', SYSTEMD_LOG_COLOR: '0' } },
  );
  if (run.error !== undefined) throw run.error;
  return run.stderr;
}

/** systemd's faults of grammar, and a piece of our message for each. */
const faults: readonly (readonly [systemd: RegExp, ours: RegExp, name: string])[] = [
  [/^Assignment outside of section/, /before the first section/, 'outside'],
  [/^Missing '='/, /^no "=" in this line/, 'no ='],
  [/^Missing key name/, /^no name before/, 'no name'],
  [/^Unknown key '[^']*\s[^']*'/, /^a name has no spaces/, 'blank in name'],
  [/^Invalid section header/, /must end with/, 'bad header'],
  [/^Bad characters in section header/, /^a section name cannot contain/, 'bad header'],
];

function faultOf(message: string, by: 0 | 1): string | null {
  return faults.find((fault) => fault[by].test(message))?.[2] ?? null;
}

function faultsBySystemd(remarks: readonly Remark[]): string[] {
  return remarks.flatMap(({ line, message }) => {
    const fault = faultOf(message, 0);
    return fault === null ? [] : [`${line} ${fault}`];
  });
}

/** Ours, told as systemd does: by the last line of a continued one, up to the first bad header. */
function faultsByUs(text: string): string[] {
  const parsed = parseUnitFile(text);
  const lines = logicalLines(text);
  const firstHeader = lines.find(
    ({ isComment, pieces }) => !isComment && /^[ \t]*\[/.test(joinedText(pieces)),
  );
  const headerLine = firstHeader?.pieces[0]?.line ?? Number.POSITIVE_INFINITY;
  const told: string[] = [];
  for (const { line, message } of parsed.ok ? [] : parsed.error) {
    const whole = lines.find(({ pieces }) => pieces.some((piece) => piece.line === line));
    const fault = line < headerLine ? 'outside' : (faultOf(message, 1) ?? message);
    told.push(`${whole?.pieces.at(-1)?.line} ${fault}`);
    if (fault === 'bad header') break; // systemd gives up here
  }
  return told;
}

const lineEnd = fc.constantFrom('\n', '\n', '\n', '\r\n', '\n\r', '\r');

describe('parseUnitFile', () => {
  it('finds the faults of grammar that systemd finds, on the same lines', () => {
    const line = fc.constantFrom(
      ...['[Unit]', ' [Service]\t', '[Install]', '[Unit', '[Unit] # x', '[Un"it]', "[Un'it]"],
      ...['Description=x', 'foo', '=x', ' = x', 'a b=c', '# c', '  ; c \\', '', '  ', '#', '\\\\'],
      ...['Description=a \\', '\\', 'foo\\', 'x\\\\', '=\\', 'After=x\\ ', '\t=', 'Wants=a#b'],
    );
    const text = fc
      .tuple(
        fc.constantFrom('', '\uFEFF'),
        fc.constantFrom('[Unit]\n', '[Unit]\n', ''),
        fc.array(fc.tuple(line, lineEnd), { maxLength: 12 }),
      )
      .map(([mark, header, lines]) => `${mark}${header}${lines.flat().join('')}\n\n`)
      // A comment right behind the mark is a fault to systemd alone.
      .filter((whole) => !/^\uFEFF\s*[#;]/.test(whole));
    const texts = fc.sample(text, { numRuns: fileCountMax, seed });
    const remarks = remarksOn(texts);
    let faultCount = 0;
    for (const [index, sample] of texts.entries()) {
      const expected = faultsBySystemd(remarks[index] ?? []);
      expect({ sample, faults: faultsByUs(sample) }).toEqual({ sample, faults: expected });
      faultCount += expected.length;
    }
    expect(faultCount).toBeGreaterThan(fileCountMax);
  });

  it('joins continued values as systemd does', () => {
    const part = fc.constantFrom('a', 'b=c', '"q', '\\\\', '\\x', ' ', '\t', '#', ';', '[x]', 'é');
    const end = fc.constantFrom('\\\n', '\\\r\n', '\\\n# c\n', '\\\n ; c \\\r\n#\n', ' \\\n', '');
    const text = fc
      .array(fc.tuple(fc.array(part, { minLength: 1, maxLength: 4 }), end), { maxLength: 5 })
      .map((parts) => parts.map(([words, ending]) => words.join('') + ending).join(''))
      .map((value) => `[Service]\nExecStart=/bin/true\nIgnoreSIGPIPE = x${value}\n\n`);
    const texts = fc.sample(text, { numRuns: fileCountMax, seed });
    const remarks = remarksOn(texts);
    let joinedCount = 0;
    for (const [index, sample] of texts.entries()) {
      const echo = /^Failed to parse boolean value, ignoring: (.*)$/;
      const echoed = remarks[index]?.flatMap(({ message }) => echo.exec(message)?.[1] ?? []);
      const parsed = parseUnitFile(sample);
      const values = parsed.ok ? optionValues(parsed.value, 'Service', 'IgnoreSIGPIPE') : [];
      // A "#" that begins a continuing line may leave a line without "=" behind: another fault.
      if (!parsed.ok) expect(faultsByUs(sample)).toEqual(faultsBySystemd(remarks[index] ?? []));
      else expect({ sample, values }).toEqual({ sample, values: echoed });
      joinedCount += parsed.ok && sample.includes('\\\n') ? 1 : 0;
    }
    expect(joinedCount).toBeGreaterThan(fileCountMax / 10);
  });

  it('reads every unit that is installed here, and writes it back byte for byte', () => {
    const folder = '/usr/lib/systemd/system';
    const names = readdirSync(folder).filter(
      (name) => parseUnitName(name).ok && statSync(join(folder, name)).size > 0,
    );
    expect(names.length).toBeGreaterThan(50);
    for (const name of names.filter((unit) => statSync(join(folder, unit)).isFile())) {
      const bytes = readFileSync(join(folder, name));
      const text = checkUnitText(bytes);
      const file = parseUnitFile(text.ok ? text.value : '');
      expect({ name, file }).toMatchObject({ file: { ok: true } });
      expect(file.ok && Buffer.from(serializeUnitFile(file.value)).equals(bytes)).toBe(true);
      expect(file.ok && unitOptions(file.value).length).toBeGreaterThan(0);
    }
  });
});

describe('splitWords', () => {
  it('splits quotes and C escapes as systemd does', () => {
    const part = fc.constantFrom(
      ...['a', 'b c', ' ', '\t', '"', '"', "'", "'", '\\"', "\\'", '\\\\', '\\x41', '\\101', '\\s'],
      ...['\\xc3\\xa9', '\\u20ac', '\\U0001f600', 'é', '😀', '#', ';', '\\a', '/'],
    );
    const value = fc
      .array(part, { minLength: 1, maxLength: 8 })
      .map((parts) => `x${parts.join('')}`.trim())
      .filter((text) => !/(?<!\\)(?:\\\\)*\\$/.test(text)); // would continue the line
    const values = fc.sample(value, { numRuns: fileCountMax, seed });
    const remarks = remarksOn(
      values.map((text) => `[Service]\nExecStart=/bin/true\nEnvironment=${text}\n`),
    );
    for (const [index, sample] of values.entries()) {
      const echo = /^Invalid environment assignment, ignoring: (.*)$/s;
      const messages = remarks[index]?.map(({ message }) => message) ?? [];
      const isRefused = messages.some((message) => message.startsWith('Invalid syntax'));
      const split = splitWords(sample, 'decode');
      expect({ sample, ok: split.ok }).toEqual({ sample, ok: !isRefused });
      const words = split.ok ? split.value.map(({ text }) => text) : [];
      const echoed = messages.flatMap((message) => echo.exec(message)?.[1] ?? []);
      if (split.ok) expect({ sample, words }).toEqual({ sample, words: echoed });
    }
  });
});

describe('parseUnitName', () => {
  it('takes the names that systemd takes', () => {
    // Without ":", which systemd-analyze reads as FILE:ALIAS.
    const stem = fc
      .array(fc.constantFrom('a', 'Z', '0', '_', '.', '-', '\\x2d', '@', '@', ' ', 'é', '%'), {
        maxLength: 5,
      })
      .map((parts) => parts.join(''));
    const type = fc.constantFrom('service', 'service', 'socket', 'timer', 'conf', 'Service', '');
    const name = fc.tuple(stem, type).map(([text, ending]) => `${text}.${ending}`);
    const sampled = fc.sample(name, { numRuns: fileCountMax, seed });
    const names = [...new Set(sampled)].filter((text) => !/^\.+$/.test(text));
    const folder = mkdtempSync(join(tmpdir(), 'unitfile-'));
    try {
      for (const unit of names) writeFileSync(join(folder, unit), '[Unit]\nDescription=x\n');
      for (const unit of names) {
        const isRefused = verify([join(folder, unit)]).includes('Failed to prepare filename');
        expect({ unit, ok: parseUnitName(unit).ok }).toEqual({ unit, ok: !isRefused });
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('takes the types that systemd takes, and those that it has dropped', () => {
    const folder = mkdtempSync(join(tmpdir(), 'unitfile-'));
    const dropped = unitTypes.filter((type) => {
      const path = join(folder, `a.${type}`);
      writeFileSync(path, '');
      return verify([path]).includes('Failed to prepare filename');
    });
    rmSync(folder, { recursive: true });
    expect(dropped).toEqual(['busname', 'snapshot']);
  });
});

it('a byte order mark is passed over by both', () => {
  const text = '\uFEFF[Service]\nExecStart=/bin/true\nIgnoreSIGPIPE=maybe\n';
  expect(remarksOn([text])[0]?.map(({ message }) => message)).toEqual([
    'Failed to parse boolean value, ignoring: maybe',
  ]);
  expect(optionValues(aUnitFile(text), 'Service', 'IgnoreSIGPIPE')).toEqual(['maybe']);
});
