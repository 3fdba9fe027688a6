import { describe, expect, it } from 'vitest';
import {
  parseUnitName,
  refusedName,
  templateOf,
  unitNameFromArgument,
  unitNameParts,
  unitTypes,
} from '../../../src/unitfile/unit-name.ts';
import { aUnitName } from '../../builders/unit-file.ts';

describe('parseUnitName', () => {
  it.each([
    'web.service',
    'web@.service',
    'web@1.service',
    'web@a@b.service',
    'a:b_c.d\\x2d-e.service',
    '-.mount',
    'x.y.socket',
    '.hidden.service',
    `${'a'.repeat(247)}.service`,
    ...unitTypes.map((type) => `a.${type}`),
  ])('takes %s', (name) => {
    expect(parseUnitName(name)).toEqual({ ok: true, value: name });
  });

  it.each([
    ['', 'empty'],
    ['web', 'has no type; add one, such as web.service'],
    ['web.', 'has no known type'],
    ['.service', 'nothing before its type'],
    ['web.conf', '"conf" is none of automount,'],
    ['web.Service', '"Service" is none of'],
    ['@1.service', 'starts with @'],
    ['dir/web.service', 'contains "/"'],
    ['we b.service', 'contains " "'],
    ['wéb.service', 'contains "é"'],
    ['w😀b.service', 'contains "😀"'],
    ['web\n.service', 'contains "\\n"'],
    ['web.service\0', 'contains "\\x00"'],
    ['web%i.service', 'contains "%"'],
    ['data@1.mount', 'a mount unit cannot have instances'],
    ['data@.slice', 'a slice unit cannot have instances'],
    [`${'a'.repeat(248)}.service`, 'has 256 characters; systemd allows 255'],
  ])('refuses %j and says why', (name, why) => {
    const parsed = parseUnitName(name);
    expect(parsed).toMatchObject({ ok: false });
    expect(parsed.ok ? '' : parsed.error).toContain(why);
  });

  it('keeps the refusal of a huge name short', () => {
    const parsed = parseUnitName('x'.repeat(1_000_000));
    expect(parsed.ok ? '' : parsed.error.length).toBeLessThan(200);
  });
});

describe('unitNameParts', () => {
  it.each([
    ['web.service', 'web', null, 'service', false],
    ['web@.service', 'web', null, 'service', true],
    ['web@1.service', 'web', '1', 'service', false],
    ['web@a@b.c.timer', 'web', 'a@b.c', 'timer', false],
    ['a.b.socket', 'a.b', null, 'socket', false],
  ])('takes %s apart', (name, prefix, instance, type, isTemplate) => {
    expect(unitNameParts(aUnitName(name))).toEqual({ prefix, instance, type, isTemplate });
  });

  it('knows the template of an instance, and of nothing else', () => {
    expect(templateOf(aUnitName('web@1.service'))).toBe('web@.service');
    expect(templateOf(aUnitName('web@a@b.service'))).toBe('web@.service');
    expect(templateOf(aUnitName('web@.service'))).toBeNull();
    expect(templateOf(aUnitName('web.service'))).toBeNull();
  });
});

describe('unitNameFromArgument', () => {
  it.each([
    ['web', 'web.service'],
    ['web@1', 'web@1.service'],
    ['web.timer', 'web.timer'],
    ['./units/web.service', 'web.service'],
    ['/etc/units/web@1.socket', 'web@1.socket'],
    ['units/web/', 'web.service'],
    ['foo.bar', 'foo.bar.service'],
  ])('reads %s as %s', (arg, name) => {
    expect(unitNameFromArgument(arg)).toEqual({ ok: true, value: name });
  });

  it.each(['', '/', '///', '@1', 'a b'])('refuses %j', (arg) => {
    expect(unitNameFromArgument(arg).ok).toBe(false);
  });
});

describe('refusedName', () => {
  it.each([
    ['a.snapshot', 'dropped snapshot units'],
    ['a.busname', 'dropped busname units'],
    ['a.device', 'come from udev'],
    ['a.scope', 'made by programs'],
    ['poweroff.target', 'meaning of its own in systemd'],
    ['dbus.service', 'meaning of its own in systemd'],
    ['-.mount', 'meaning of its own in systemd'],
    ['system.slice', 'meaning of its own in systemd'],
    ['blockdev@sda.target', 'meaning of its own in systemd'],
    ['user@1000.service', 'meaning of its own in systemd'],
    ['fleet.service', 'a unit of fleet itself'],
    ['fleet.socket', 'a unit of fleet itself'],
    ['fleet-leave.service', 'a unit of fleet itself'],
    ['fleet-deadline.service', 'a unit of fleet itself'],
    ['fleet-isolated.service', 'a unit of fleet itself'],
    ['fleet-cloudinit.service', 'a unit of fleet itself'],
  ])('refuses %s', (name, why) => {
    expect(refusedName(aUnitName(name))).toContain(why);
  });

  it.each(['web.service', 'fleet-web.service', 'data.swap', 'web.target', 'web@1.service'])(
    'lets %s pass',
    (name) => {
      expect(refusedName(aUnitName(name))).toBeNull();
    },
  );
});
