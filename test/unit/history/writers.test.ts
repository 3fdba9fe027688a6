import { expect, it } from 'vitest';
import { longestSilenceS, overlaps, runsIn } from '../../cluster/writers.ts';

const first = '10.00 aa 5\n10.05 aa 5\n10.10 aa 5\n';

it('a log tells of each run, without the half line at its end', () => {
  expect(runsIn('m1', `${first}12.00 bb 7\n13.0`)).toEqual([
    { machine: 'm1', invocationId: 'aa', token: 5n, firstS: 10, lastS: 10.1 },
    { machine: 'm1', invocationId: 'bb', token: 7n, firstS: 12, lastS: 12 },
  ]);
  expect(runsIn('m1', '1.00 aa \n')).toMatchObject([{ token: null }]);
});

it.each([
  ['one after the other', '10.11 bb 7\n', 0],
  ['two at one time', '10.05 bb 7\n', 1],
  ['a second one in between', '10.02 bb 7\n10.06 bb 7\n', 1],
  ['a token that fell', '11.00 bb 4\n', 1],
  ['a token that stayed, on another machine', '11.00 bb 5\n', 1],
])('%s', (_, later, count) => {
  expect(overlaps([...runsIn('m1', first), ...runsIn('m2', later)])).toHaveLength(count);
});

it('silence counts from the first moment asked about to the last', () => {
  const runs = [...runsIn('m1', first), ...runsIn('m2', '10.08 bb\n11.00 bb\n')];
  expect(longestSilenceS(runs, 9.5, 11)).toBeCloseTo(0.5);
  expect(longestSilenceS(runs, 10, 11.7)).toBeCloseTo(0.7);
  expect(longestSilenceS(runsIn('m1', first), 10, 10.1)).toBe(0);
});
