import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { commands } from '../../src/fleetctl/commands.ts';
import { aSession, type Session } from '../builders/fleetctl-session.ts';

const text = '[Service]\nExecStart=/bin/true\n';
const flags = [
  ...commands.flatMap((command) => command.flags.map(({ usage }) => usage)),
  ...['--endpoint', '--request-timeout', '--driver', '--debug', '--experimental-api', '--version'],
].map((usage) => /--[a-z-]+/.exec(usage)?.[0] ?? usage);

const odd = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.string({ unit: 'grapheme', maxLength: 300 }),
  fc.constantFrom(
    '',
    '-',
    '--',
    '---',
    '=',
    '--=',
    '-=x',
    '@',
    '@.service',
    '.service',
    'a@',
    '..',
  ),
  fc.constantFrom('/', '/dev/null', '/proc/self/mem', '.', '..', '~', '\0', 'a\0b', '%s', '$(x)'),
  fc.constantFrom('constructor', '__proto__', 'toString', 'hasOwnProperty', '1e999', '-1', 'NaN'),
);

const word = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...commands.map(({ name }) => name), 'help') },
  { weight: 3, arbitrary: fc.constantFrom(...flags) },
  { weight: 2, arbitrary: odd },
  { weight: 1, arbitrary: fc.tuple(fc.constantFrom(...flags), odd).map((pair) => pair.join('=')) },
  { weight: 2, arbitrary: fc.constantFrom('known.service', 'known', 'tpl@.service', 'tpl@1') },
);

/** A command with odd arguments, or odd words altogether. */
const line = fc.oneof(
  fc.array(word, { maxLength: 6 }),
  fc
    .tuple(
      fc.constantFrom(...commands.map(({ name }) => name)),
      fc.array(fc.oneof(word, odd), { maxLength: 5 }),
    )
    .map(([name, rest]) => [name, ...rest]),
);

async function everything(session: Session): Promise<string> {
  await session.cluster.settled();
  const { store, keys } = session.cluster;
  const request = { limitCount: 1000, revision: null, keysOnly: false };
  const found = await store.range({ range: keys.all('units'), ...request }, never);
  if (!found.ok) throw new Error('the store cannot be read');
  return JSON.stringify(found.value.items.map(({ key, value }) => [key, value]));
}

const never = new AbortController().signal;

describe('fleetctl with odd arguments', () => {
  it('ends with 0, 1, 2 or what ssh says, explains itself without a stack, and stores nothing on a mistake', async () => {
    await using session = await aSession({ machineCount: 2 });
    await session.run('start', session.file('known.service', text));
    await session.run('submit', session.file('tpl@.service', text));
    await fc.assert(
      fc.asyncProperty(line, async (args) => {
        const before = await everything(session);
        const { status, out, err } = await session.run(...args);
        const said = JSON.stringify({ args, status, out, err }).slice(0, 2000);
        expect([0, 1, 2, 255], said).toContain(status);
        expect(err, said).not.toMatch(/defect of fleetctl|\n\s+at .*[(:]\d+/);
        // Whoever fails says why; a mistake on the command line changes nothing.
        if (status !== 0) expect(err, said).not.toBe('');
        if (status === 2) expect(await everything(session), said).toBe(before);
      }),
      { numRuns: 300 },
    );
    const { lines } = session.server.captured;
    expect(lines.filter(({ level }) => level === 'error')).toEqual([]);
  });

  it('says of a NUL in a word for ssh that no program can be given one', async () => {
    await using session = await aSession({ machineCount: 1 });
    await session.run('start', session.file('known.service', text));
    const { status, err } = await session.run('ssh', 'known.service', 'a\0b');
    expect([status, err]).toEqual([2, expect.stringContaining('it holds a NUL')]);
  });

  it('stores none of the files when one of them is bad', async () => {
    await using session = await aSession({ machineCount: 1 });
    const good = session.file('good.service', text);
    const content = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.string({ unit: 'binary', maxLength: 200 }).map((some) => Buffer.from(`[${some}`)),
    );
    await fc.assert(
      fc.asyncProperty(fc.constantFrom('submit', 'load', 'start'), content, async (verb, bytes) => {
        const bad = session.file('bad.service', bytes);
        const { status, err } = await session.run(verb, good, bad);
        if (status !== 0) {
          expect(err).not.toContain('defect');
          expect(await everything(session)).toBe('[]');
        }
        if (status === 0) await session.run('destroy', 'good.service', 'bad.service');
      }),
      { numRuns: 100 },
    );
  });
});
