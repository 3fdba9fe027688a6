import fc from 'fast-check';
import { expect, it } from 'vitest';
import { unitNameOfPath, unitObjectPath } from '../../../src/agent/object-path.ts';

it('names and object paths of units follow the escaping of systemd', () => {
  const path = '/org/freedesktop/systemd1/unit/web_401_2eservice';
  expect(unitObjectPath('web@1.service')).toBe(path);
  expect(unitNameOfPath(path)).toBe('web@1.service');
  expect(unitObjectPath('9.mount')).toBe('/org/freedesktop/systemd1/unit/_39_2emount');
  expect(unitNameOfPath('/org/freedesktop/systemd1/job/7')).toBeNull();
});

it('every unit name comes back from its path', () => {
  const names = fc.stringMatching(/^[A-Za-z0-9:_.\\@-]{1,60}$/);
  fc.assert(fc.property(names, (name) => unitNameOfPath(unitObjectPath(name)) === name));
});
