import { expect, it } from 'vitest';
import { NoticeBoard } from '../../../src/daemon/notice-board.ts';
import { FleetError } from '../../../src/lib/error.ts';
import type { Notice, NoticeKind } from '../../../src/model/notice.ts';
import { captureLog } from '../../builders/api-server.ts';

const never = new AbortController().signal;

function aNotice(kind: NoticeKind, text: string = kind): Notice {
  return { kind, text, hint: `what to do about ${text}` };
}

function aBoard(): NoticeBoard {
  return new NoticeBoard(captureLog().log);
}

it('a board with nothing on it has nothing to tell', async () => {
  expect(await aBoard().read(never)).toEqual([]);
});

it('what a machine knows and what has to be asked for are told together, by kind', async () => {
  const board = aBoard();
  board.addAsked('orphans', async () => [aNotice('orphans')]);
  board.addOwn(() => [aNotice('store-space', 'b'), aNotice('store-space', 'a')]);
  board.addAsked('brake', async () => [aNotice('brake')]);
  const told = await board.read(never);
  expect(told.map(({ text }) => text)).toEqual(['brake', 'a', 'b', 'orphans']);
});

it('what somebody leaves out is neither asked for nor told', async () => {
  const board = aBoard();
  board.addAsked('orphans', () => Promise.reject(new Error('asked all the same')));
  board.addAsked('brake', async () => [aNotice('brake')]);
  board.addOwn(() => [aNotice('store-space')]);
  const told = await board.read(never, new Set(['orphans', 'store-space', 'of tomorrow']));
  expect(told).toEqual([aNotice('brake')]);
});

it('what two know is told once', async () => {
  const board = aBoard();
  board.addOwn(() => [aNotice('brake')]);
  board.addAsked('brake', async () => [aNotice('brake')]);
  expect(await board.read(never)).toEqual([aNotice('brake')]);
});

it('one who cannot answer does not silence the others', async () => {
  const board = aBoard();
  board.addAsked('brake', async () => {
    throw new FleetError('etcd is away', {
      code: 'registry/unavailable',
      retry: 'soon',
      hint: 'wait',
    });
  });
  board.addOwn(() => [aNotice('store-not-ours')]);
  expect(await board.read(never)).toEqual([aNotice('store-not-ours')]);
});

it('one who does not answer while somebody waits is left out', async () => {
  const board = aBoard();
  board.addAsked('brake', () => new Promise(() => undefined));
  board.addOwn(() => [aNotice('store-not-ours')]);
  const enough = new AbortController();
  const told = board.read(enough.signal);
  enough.abort();
  expect(await told).toEqual([aNotice('store-not-ours')]);
});

it('a defect of a source is not hidden', async () => {
  const board = aBoard();
  board.addAsked('brake', async () => {
    throw new TypeError('a defect');
  });
  await expect(board.read(never)).rejects.toThrow('a defect');
});

it('what was taken down is told no more', async () => {
  const board = aBoard();
  const takeDown = board.addOwn(() => [aNotice('brake')]);
  takeDown();
  expect(await board.read(never)).toEqual([]);
});

it('each kind is counted, those that do not hold as 0', () => {
  const board = aBoard();
  board.addOwn(() => [aNotice('orphans', 'a'), aNotice('orphans', 'b')]);
  const [metric] = board.metrics();
  const samples = metric?.type === 'histogram' ? [] : (metric?.samples ?? []);
  expect(samples.filter(({ value }) => value > 0)).toEqual([
    { labels: { kind: 'orphans' }, value: 2 },
  ]);
  expect(samples).toHaveLength(7);
});
