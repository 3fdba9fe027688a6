import { describe, expect, it } from 'vitest';
import { readRequirements } from '../../../src/unitfile/requirements.ts';
import { parseTimeSpanMs } from '../../../src/unitfile/time-span.ts';
import { aUnitFile, aUnitName } from '../../builders/unit-file.ts';

function read(service: string, fleet: string, name = 'web.service') {
  const text = `[Service]\nExecStart=/bin/true\n${service}\n[X-Fleet]\n${fleet}\n`;
  return readRequirements(aUnitFile(text), aUnitName(name));
}

function stopOf(service: string, fleet = 'OnPartition=stop'): unknown {
  const found = read(service, fleet);
  return found.ok ? found.value.requirements.onPartition : found.error;
}

function problems(service: string, fleet = 'OnPartition=stop', name?: string): string[] {
  const found = read(service, fleet, name);
  return found.ok ? [] : found.error.map(({ line, message }) => `${line} ${message}`);
}

describe('OnPartition=', () => {
  it.each([
    ['TimeoutStopSec=10', 10_000],
    ['TimeoutStopSec=30s', 30_000],
    ['TimeoutStopSec=1500ms', 1_500],
    ['TimeoutStopSec=infinity\nTimeoutStopSec=5', 5_000],
    ['TimeoutStopSec=60\nTimeoutSec=5', 5_000],
    ['TimeoutStopSec=5\nTimeoutAbortSec=20', 20_000],
    ['TimeoutStopSec=5\nKillMode=mixed\nSendSIGKILL=yes', 5_000],
  ])('stop takes %j for its time', (service, stopTimeoutMs) => {
    expect(stopOf(service)).toEqual({ stopTimeoutMs });
  });

  it.each([
    '',
    'OnPartition=keep',
    'OnPartition=stop\nOnPartition=keep',
    'OnPartition=stop\nOnPartition=',
  ])('%j is the default', (fleet) => expect(stopOf('', fleet)).toBeUndefined());

  it.each([
    [
      '',
      '5 TimeoutStopSec= must be given, and at most 30 s; add to [Service] the line TimeoutStopSec=10',
    ],
    ['TimeoutStopSec=31', '5 TimeoutStopSec= must be given, and at most 30 s, it is 31 s;'],
    ['TimeoutStopSec=0', '5 TimeoutStopSec= must be given, and at most 30 s, it is without end;'],
    ['TimeoutStopSec=infinity', '5 TimeoutStopSec= must be given, and at most 30 s, it is without'],
    ['TimeoutStopSec=soon', '5 TimeoutStopSec=soon is no time; add to [Service] the line'],
    ['TimeoutStopSec=5\nTimeoutStopSec=', '6 TimeoutStopSec= must be given'],
    ['TimeoutStopSec=5\nTimeoutAbortSec=60', '6 TimeoutAbortSec= may be at most 30 s; add to'],
    ['TimeoutStopSec=5\nSendSIGKILL=no', '6 with SendSIGKILL=no its stop may never end; add to'],
    ['TimeoutStopSec=5\nKillMode=process', '6 with KillMode=process processes of it may outlive'],
    [
      'TimeoutStopSec=5\nKillMode=none',
      '6 with KillMode=none processes of it may outlive its stop',
    ],
  ])('stop is refused with %j, and the line to add is told', (service, problem) => {
    const told = problems(service);
    expect(told).toHaveLength(1);
    expect(told[0]).toContain(problem.slice(problem.indexOf(' ') + 1));
  });

  it('stop is refused for what is no service, for global units and for the longest names', () => {
    const good = 'TimeoutStopSec=5';
    expect(problems(good, 'OnPartition=stop', 'web.socket')).toEqual([
      expect.stringContaining('a socket unit cannot be stopped by a deadline, only a service can'),
    ]);
    expect(problems(good, 'OnPartition=stop\nGlobal=true')).toEqual([
      '6 Global= (line 6) cannot be combined with OnPartition= (line 5); remove one of them',
    ]);
    expect(problems(good, 'OnPartition=keep\nGlobal=true')).toEqual([]);
    const long = `${'w'.repeat(255 - '.service'.length)}.service`;
    expect(problems(good, 'OnPartition=stop', long)).toEqual([
      expect.stringContaining('names over 253 characters'),
    ]);
  });

  it('takes no other word', () => {
    expect(problems('', 'OnPartition=halt')).toEqual(['5 not keep or stop; write one of them']);
  });
});

it.each([
  ['5', 5_000],
  ['1min 30s', 90_000],
  ['1m30', 90_000],
  ['1.5s', 1_500],
  ['2h', 7_200_000],
  ['infinity', Number.POSITIVE_INFINITY],
  ['', null],
  ['5 parsecs', null],
  ['-5', null],
  ['2d', null],
])('%j is a time span of %s ms', (text, ms) => expect(parseTimeSpanMs(text)).toBe(ms));
