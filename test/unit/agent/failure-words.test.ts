import { describe, expect, it } from 'vitest';
import { FailureWords } from '../../../src/agent/failure-words.ts';
import { agentLimits } from '../../../src/agent/limits.ts';
import { FleetError } from '../../../src/lib/error.ts';
import type { UnitName } from '../../../src/unitfile/unit-name.ts';
import { aLoadedUnit, anOrder, aRunningUnit, web } from '../../builders/agent.ts';

interface Trial {
  readonly words: FailureWords;
  readonly asked: string[];
  newsCount: number;
}

function aTrial(answer: () => Promise<string> = async () => 'exit-code, status 1'): Trial {
  const asked: string[] = [];
  const ask = (kind: string) => (unit: UnitName) => {
    asked.push(`${kind} ${unit}`);
    return answer();
  };
  const trial: Trial = {
    words: new FailureWords({ failureOf: ask('failure') }, ask('load'), () => {
      trial.newsCount += 1;
    }),
    asked,
    newsCount: 0,
  };
  return trial;
}

function failed(name = web, invocationId = 'cafe') {
  return aRunningUnit(name, anOrder(), { status: { active: 'failed', invocationId } });
}

describe('words about a failure', () => {
  it('come once for each failure, and are news then', async () => {
    const trial = aTrial();
    expect(trial.words.of(failed())).toBeNull();
    await expect.poll(() => trial.newsCount).toBe(1);
    expect(trial.words.of(failed())).toBe('exit-code, status 1');
    expect(trial.words.of(failed())).toBe('exit-code, status 1');
    expect(trial.asked).toEqual(['failure web.service']);
    expect(trial.words.of(failed(web, 'beef'))).toBeNull();
    expect(trial.asked).toHaveLength(2);
  });

  it('are not asked for while nothing is wrong', () => {
    const trial = aTrial();
    expect(trial.words.of(aRunningUnit(web))).toBe('');
    expect(trial.asked).toEqual([]);
  });

  it('tell which setting it is when a file cannot be used', async () => {
    const trial = aTrial(async () => 'Service has no ExecStart=.');
    const status = { load: 'bad-setting', loadError: 'it has a bad setting', needReload: true };
    const bad = aLoadedUnit(web, anOrder(), { status });
    expect(trial.words.of(bad)).toBeNull();
    await expect.poll(() => trial.newsCount).toBe(1);
    expect(trial.words.of(bad)).toBe('Service has no ExecStart=.');
    expect(trial.asked).toEqual(['load web.service']);
  });

  it('are empty when systemd has none, or is lost meanwhile', async () => {
    const hint = 'wait';
    const lost = new FleetError('lost', { code: 'systemd/unavailable', retry: 'soon', hint });
    const trial = aTrial(() => Promise.reject(lost));
    trial.words.of(failed());
    await expect.poll(() => trial.newsCount).toBe(1);
    expect(trial.words.of(failed())).toBe('');
  });

  it('are asked for about a few units at a time', () => {
    const trial = aTrial();
    for (let number = 0; number < 100; number += 1) {
      trial.words.of(failed(`web@${number}.service` as UnitName));
    }
    expect(trial.asked).toHaveLength(agentLimits.wordsCountMax);
  });
});
