import { describe, expect, it } from 'vitest';
import { asTyped, typedFrom } from '../../../src/lab/typed.ts';

const down = "'fleetlab down' removes what was made";

describe('a command in a sentence of fleetlab', () => {
  it.each([
    ['fleetlab', 'lab', "'fleetlab down'"],
    ['fleetlab', 'other', "'fleetlab --lab other down'"],
    ['bin/fleetlab', 'lab', "'bin/fleetlab down'"],
    ['./fleetlab', 'other', "'./fleetlab --lab other down'"],
  ])('is what can be typed: started as %s for %s', (program, lab, words) => {
    const typed = { program, lab, labUnnamed: 'lab' };
    expect(asTyped(down, typed)).toBe(`${words} removes what was made`);
  });

  it('names a lab once, and fleetctl beside fleetlab', () => {
    const typed = { program: 'bin/fleetlab', lab: 'x', labUnnamed: 'lab' };
    expect(asTyped("'fleetlab --lab y down'", typed)).toBe("'bin/fleetlab --lab y down'");
    expect(asTyped('eval "$(fleetlab env)" points fleetctl at it', typed)).toBe(
      'eval "$(bin/fleetlab --lab x env)" points bin/fleetctl at it',
    );
    expect(asTyped("try 'sudo fleetlab up'", typed)).toBe("try 'sudo bin/fleetlab --lab x up'");
  });

  it('leaves other words alone', () => {
    const typed = { program: 'bin/fleetlab', lab: 'x', labUnnamed: 'lab' };
    for (const text of ['fleetlab: stopping', 'a fleetlab of paper', "'systemctl start fleet'"]) {
      expect(asTyped(text, typed)).toBe(text);
    }
  });
});

describe('how fleetlab was started', () => {
  it('is by its path, unless PATH finds it there', () => {
    const environment = { FLEETLAB_STARTED_AS: '/opt/x/bin/fleetlab', PATH: '/usr/bin:/bin' };
    expect(typedFrom(environment, null)).toEqual({
      program: '/opt/x/bin/fleetlab',
      lab: 'lab',
      labUnnamed: 'lab',
    });
    const found = { ...environment, PATH: '/usr/bin:/opt/x/bin' };
    expect(typedFrom(found, null).program).toBe('fleetlab');
    expect(typedFrom({}, 'y')).toEqual({ program: 'fleetlab', lab: 'y', labUnnamed: 'lab' });
    expect(typedFrom({ FLEETLAB_NAME: 'z' }, null)).toMatchObject({ lab: 'z', labUnnamed: 'z' });
  });
});
