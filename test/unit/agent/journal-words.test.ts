import { describe, expect, it } from 'vitest';
import { saidBy } from '../../../src/agent/journal-words.ts';
import type { UnitName } from '../../../src/unitfile/unit-name.ts';

const unit = 'web.service' as UnitName;

describe('what systemd said about a unit', () => {
  it('is asked by the fields that its journal has, and that a unit cannot forge', () => {
    expect(saidBy('system', unit)).toEqual(['_PID=1', 'UNIT=web.service']);
    expect(saidBy({ uid: 1000 }, unit)).toEqual([
      ...['_UID=1000', '_SYSTEMD_USER_UNIT=init.scope', 'USER_UNIT=web.service'],
    ]);
  });
});
