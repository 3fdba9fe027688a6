import { spawn } from 'node:child_process';
import { messageOf } from '../lib/error.ts';
import { cloudinitLimits } from './limits.ts';

/** Runs a command; null when it did what it should, or else why not. Never rejects. */
export type RunCommand = (argv: readonly string[], input: string | null) => Promise<string | null>;

/** Characters of a command's own words that are told. */
const wordsLengthMax = 2_000;

/** Who becomes root by su or sudo may have a path without the folders of useradd and chpasswd. */
function searchPath(own: string | undefined): string {
  const folders = '/usr/sbin:/usr/bin:/sbin:/bin';
  return own === undefined || own === '' ? folders : `${own}:${folders}`;
}

/** Runs a command of this machine and ends it when it takes too long. */
export const runCommand: RunCommand = (argv, input) => {
  const [program = '', ...args] = argv;
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      stdio: ['pipe', 'ignore', 'pipe'],
      timeout: cloudinitLimits.commandMsMax,
      env: { ...process.env, PATH: searchPath(process.env['PATH']), LC_ALL: 'C' },
    });
    let words = '';
    child.stderr.on('data', (data: Buffer) => {
      words = (words + data.toString('utf8')).slice(0, wordsLengthMax);
    });
    child.stdin.on('error', () => 'it ended without reading: its status says more');
    child.stdin.end(input ?? '');
    child.on('error', (error) => resolve(messageOf(error)));
    child.on('close', (status, signal) => {
      if (status === 0) return resolve(null);
      const said = words.trim().replace(/\s*\n\s*/g, '; ');
      const how = signal === null ? `status ${status}` : `ended by ${signal}`;
      resolve(said === '' ? how : `${how}: ${said}`);
    });
  });
};
