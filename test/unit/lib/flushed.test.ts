import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';

/** More than a pipe and the buffers around it hold. */
const lengthBytes = 4 * 1024 * 1024;

const talker = `
import { flushed, readerGone } from './src/lib/flushed.ts';
process.stdout.write('x'.repeat(${lengthBytes}));
Promise.race([flushed(process.stdout).then(() => 7), readerGone(process.stdout)])
  .then((status) => process.exit(status));
`;

function run(
  args: readonly string[],
): Promise<{ readonly status: unknown; readonly out: string; readonly err: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [...args], (error, out, err) => {
      resolve({ status: error?.code ?? 0, out, err });
    });
  });
}

describe('a program that waits until it is flushed', () => {
  it('is heard to its end by a reader who begins late', async () => {
    const program = spawn(process.execPath, ['--input-type=module', '-e', talker], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(program.stdout, 'readable'); // it has begun, and nothing was taken yet
    let heardBytes = 0;
    program.stdout.on('data', (part: Buffer) => {
      heardBytes += part.length;
    });
    const [status] = await once(program, 'close');
    expect({ status, heardBytes }).toEqual({ status: 7, heardBytes: lengthBytes });
  });

  it('ends with 0 when its reader has left', async () => {
    const program = spawn(process.execPath, ['--input-type=module', '-e', talker], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    program.stdout.destroy();
    const [status] = await once(program, 'close');
    expect(status).toBe(0);
  });
});

describe('every program', () => {
  it.each([
    ['fleetd', 'src/daemon/main.ts'],
    ['fleetctl', 'src/fleetctl/main.ts'],
    ['fleetlab', 'src/lab/main.ts'],
  ])(
    '%s prints its whole help to a pipe and ends with 0, and a mistake with 2',
    async (name, main) => {
      const help = await run([main, '--help']);
      expect(help).toMatchObject({ status: 0, err: '' });
      expect(help.out).toContain(`Usage: ${name}`);
      expect(help.out.endsWith('\n')).toBe(true);
      const mistake = await run([main, '--no-such-option']);
      expect(mistake).toMatchObject({ status: 2, out: '' });
      expect(mistake.err).toContain('--no-such-option');
      expect(mistake.err).not.toMatch(/\n\s+at /);
    },
  );
});
