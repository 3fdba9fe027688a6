import { posix } from 'node:path';
import { printable } from '../unitfile/problem.ts';
import type { ConfigFile } from './cloud-config.ts';
import { contentEncodings, decodeContent } from './content-encoding.ts';
import { locatedText } from './decode-users.ts';
import {
  type Field,
  type Fields,
  type FieldType,
  itemsOf,
  readFields,
  scalarOf,
  textOf,
} from './fields.ts';
import { errorAt, type Place, type Problem, warningAt } from './problem.ts';
import type { ScalarTree } from './yaml-tree.ts';

/** The keys of an entry of `write_files`. */
export const fileKeys = {
  content: 'text',
  encoding: 'text',
  owner: 'text',
  path: 'text',
  permissions: 'text',
} as const satisfies Readonly<Record<string, FieldType>>;

/** The entries of `write_files`; of two for one path, the later one. */
export function readFiles(field: Field | undefined, problems: Problem[]): readonly ConfigFile[] {
  const files = new Map<string, ConfigFile>();
  for (const [index, item] of itemsOf(field).entries()) {
    const path = `write_files[${index}]`;
    const fields = readFields(item, { path, types: fileKeys }, problems);
    const file = readFile(fields, item.place, problems);
    if (file === null) continue;
    const before = files.get(file.path);
    if (before !== undefined) {
      const what = `${file.path} is written again in line ${file.line}, and that one counts`;
      problems.push(warningAt(before, `${what}; take this one out`));
      files.delete(file.path);
    }
    files.set(file.path, file);
  }
  return [...files.values()];
}

function readFile(fields: Fields, place: Place, problems: Problem[]): ConfigFile | null {
  const path = readPath(fields.get('path'), place, problems);
  const mode = readMode(fields.get('permissions'), problems);
  const content = readContent(fields, problems);
  const ownerField = fields.get('owner');
  const owner = textOf(ownerField);
  if (ownerField !== undefined && owner !== null && !isOwner(owner)) {
    const what = `owner "${printable(owner)}" is not USER or USER:GROUP`;
    problems.push(errorAt(ownerField.value.place, `${what}; write one, such as root:root`));
    return null;
  }
  if (path === null || mode === null || content === null) return null;
  const hasOwner = ownerField !== undefined && owner !== null && owner !== '';
  return {
    ...{ path, mode, content, ...(fields.get('path')?.place ?? place) },
    owner: hasOwner ? locatedText(ownerField.value.place, owner) : null,
  };
}

function isOwner(text: string): boolean {
  return text === '' || /^[A-Za-z0-9_.][A-Za-z0-9_.-]*\$?(:([A-Za-z0-9_.-]+\$?)?)?$/.test(text);
}

function readPath(field: Field | undefined, place: Place, problems: Problem[]): string | null {
  const text = textOf(field);
  if (field === undefined || text === null || text === '') {
    problems.push(errorAt(place, 'a file without a path; add one, such as path: /etc/motd'));
    return null;
  }
  const isAbsolute = text.startsWith('/') && !text.endsWith('/') && !/\p{Cc}/u.test(text);
  if (isAbsolute && !text.split('/').includes('..')) return posix.normalize(text);
  const what = `path "${printable(text)}" is not that of a file`;
  problems.push(errorAt(field.value.place, `${what}; write it from / on, and without ..`));
  return null;
}

function readMode(field: Field | undefined, problems: Problem[]): number | null {
  const text = textOf(field);
  if (field === undefined || text === null || text === '') return 0o644;
  if (/^0?[0-7]{3,4}$/.test(text)) return Number.parseInt(text, 8);
  const what = `permissions "${printable(text)}" are not octal digits`;
  problems.push(errorAt(field.value.place, `${what}; write them as "0644"`));
  return null;
}

function readContent(fields: Fields, problems: Problem[]): Buffer | null {
  const scalar = scalarOf(fields.get('content'));
  const encoding = textOf(fields.get('encoding')) ?? '';
  const encodingPlace = fields.get('encoding')?.value.place ?? { line: 1, column: 1 };
  if (!contentEncodings.has(encoding)) {
    const known = [...contentEncodings].filter((name) => name !== '').join(', ');
    const what = `encoding "${printable(encoding)}" is not known`;
    problems.push(errorAt(encodingPlace, `${what}; write one of ${known}`));
    return null;
  }
  const decoded = decodeContent(bytesOf(scalar), encoding);
  if (decoded.ok) return decoded.value;
  const place = scalar?.place ?? encodingPlace;
  problems.push(
    errorAt(place, `the content is not ${encoding}: ${decoded.error}; encode it again`),
  );
  return null;
}

/** What `!!binary` brings is bytes already. */
function bytesOf(scalar: ScalarTree | null): Buffer {
  if (scalar === null) return Buffer.alloc(0);
  return scalar.value instanceof Uint8Array ? Buffer.from(scalar.value) : Buffer.from(scalar.text);
}
