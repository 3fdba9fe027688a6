import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import { createLog, type LogSink } from '../../../src/daemon/log.ts';

async function linesOf(
  form: LogSink['form'],
  verbosity: number,
  write: (log: Awaited<ReturnType<typeof createLog>>) => void,
): Promise<string> {
  const out = new PassThrough();
  write(await createLog(verbosity, { form, out }));
  return String(out.read() ?? '');
}

it('gives each line to the journal with its priority and without a time of its own', async () => {
  const lines = await linesOf('journal', 0, (log) => {
    log.error({ unit: 'a.service' }, 'failed');
    log.warn({}, 'waited');
    log.info({}, 'placed');
    log.debug({}, 'not said');
  });
  expect(lines.split('\n')).toEqual([
    '<3>{"level":50,"unit":"a.service","message":"failed"}',
    '<4>{"level":40,"message":"waited"}',
    '<6>{"level":30,"message":"placed"}',
    '',
  ]);
});

it('says details only when asked to', async () => {
  expect(await linesOf('journal', 1, (log) => log.debug({}, 'a detail'))).toBe(
    '<7>{"level":20,"message":"a detail"}\n',
  );
});

it('never shows passwords or the texts of units', async () => {
  const line = await linesOf('json', 0, (log) => {
    log.info({ password: 'secret', unit: { text: 'secret' } }, 'connected');
  });
  expect(line).toContain('[Redacted]');
  expect(line).not.toContain('secret');
});

it('is readable on a terminal', async () => {
  const out = new PassThrough();
  const log = await createLog(0, { form: 'pretty', out });
  log.info({ unit: 'a.service' }, 'placed');
  const [line] = await new Promise<string[]>((resolve) => {
    out.once('data', (chunk) => resolve(String(chunk).split('\n')));
  });
  expect(line).toContain('placed');
  expect(line).not.toContain('{"level"');
});
