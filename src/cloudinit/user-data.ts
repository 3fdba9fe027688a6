import { printable } from '../unitfile/problem.ts';
import { unpacked } from './content-encoding.ts';
import { cloudinitLimits } from './limits.ts';
import { errorAt, type Problem, topOfFile } from './problem.ts';

/** What user-data is, by its first line. */
export type UserData =
  | { readonly kind: 'cloud-config'; readonly text: string }
  | { readonly kind: 'script'; readonly text: string }
  | { readonly kind: 'empty' }
  | { readonly kind: 'refused'; readonly problem: Problem };

/** Tells what some bytes are, packed with gzip or not; never throws. */
export function readUserData(bytes: Uint8Array): UserData {
  const { userDataBytesMax } = cloudinitLimits;
  const isPacked = bytes[0] === 0x1f && bytes[1] === 0x8b;
  const plain = isPacked ? unpacked(bytes, userDataBytesMax) : null;
  if (plain?.ok === false) return refused(`it begins as gzip, but: ${plain.error}; pack it again`);
  const whole = plain?.value ?? bytes;
  if (whole.length > userDataBytesMax) {
    return refused(`more than ${userDataBytesMax} bytes; is this the right file?`);
  }
  const text = Buffer.from(whole).toString('utf8');
  if (!Buffer.from(text).equals(whole)) {
    return refused('not a text of valid UTF-8; is this the right file?');
  }
  return kindOf(text);
}

function kindOf(text: string): UserData {
  const [first = ''] = text.split('\n', 1);
  if (text.trim() === '') return { kind: 'empty' };
  if (first.startsWith('#!')) return { kind: 'script', text };
  if (first.trimEnd() === '#cloud-config') return { kind: 'cloud-config', text };
  if (/^\s*\{/.test(text) && /"ignition"\s*:/.test(text)) {
    return refused('this is for Ignition, which runs at the first boot; write a cloud-config');
  }
  const begin = `"${printable(first)}"`;
  return refused(`begins with ${begin}; the first line has to be #cloud-config, or begin with #!`);
}

function refused(message: string): UserData {
  return { kind: 'refused', problem: errorAt(topOfFile, message) };
}
