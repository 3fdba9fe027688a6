import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { addressesOf, fillAddresses } from '../../../src/cloudinit/addresses.ts';
import { withKeys } from '../../../src/cloudinit/authorized-keys.ts';
import { decodeContent } from '../../../src/cloudinit/content-encoding.ts';
import { withOwnName } from '../../../src/cloudinit/hosts-file.ts';
import { metadataObjection } from '../../../src/cloudinit/metadata.ts';
import { withTwoDashes } from '../../../src/cloudinit/program.ts';
import { shellWords } from '../../../src/cloudinit/shell-words.ts';
import { cloudConfigUrl } from '../../../src/cloudinit/sources.ts';
import { readUserData } from '../../../src/cloudinit/user-data.ts';
import { environmentDropIn, withVariables } from '../../../src/cloudinit/variable-file.ts';

describe('readUserData', () => {
  it.each([
    ['#cloud-config\nhostname: a\n', 'cloud-config'],
    ['#cloud-config \r\nhostname: a\n', 'cloud-config'],
    ['#!/bin/sh\ntrue\n', 'script'],
    [' \n', 'empty'],
    ['{"ignition": {"version": "2.0.0"}}', 'refused'],
    ['#cloud-configuration\n', 'refused'],
    ['hostname: a\n', 'refused'],
  ])('%j is %s, packed or not', (text, kind) => {
    expect(readUserData(Buffer.from(text)).kind).toBe(kind);
    expect(readUserData(gzipSync(text)).kind).toBe(kind);
  });

  it('refuses what is no text, and half an archive', () => {
    expect(readUserData(Buffer.from([0xff, 0xfe, 0x41])).kind).toBe('refused');
    expect(readUserData(gzipSync('#cloud-config\n').subarray(0, 15)).kind).toBe('refused');
  });
});

describe('fillAddresses', () => {
  const addresses = { private_ipv4: '10.0.0.5', public_ipv6: '2001:db8::5' };

  it.each([
    ['$private_ipv4', '10.0.0.5'],
    ['http://$private_ipv4:2380,$private_ipv4', 'http://10.0.0.5:2380,10.0.0.5'],
    ['$private_ipv4$public_ipv6', '10.0.0.52001:db8::5'],
    ['\\$private_ipv4', '$private_ipv4'],
    ['$private_ip', '$private_ip'],
    ['$PRIVATE_IPV4', '$PRIVATE_IPV4'],
    ['  # or $public_ipv4', '  # or $public_ipv4'],
    ['a: $private_ipv4 # not $public_ipv4', 'a: 10.0.0.5 # not $public_ipv4'],
  ])('%s becomes %s', (text, filled) => {
    expect(fillAddresses(text, addresses)).toEqual({ text: filled, problems: [] });
  });

  it('says where an address is asked for that the machine has not', () => {
    expect(fillAddresses('a\n  x: $public_ipv4', addresses).problems).toMatchObject([
      { severity: 'error', line: 2, column: 6 },
    ]);
  });
});

describe('addressesOf', () => {
  const interfaces = ['127.0.0.1', '169.254.1.1', '203.0.113.9', '10.0.0.5', 'fe80::1'].map(
    (address) => ({ address, isInternal: address.startsWith('127') }),
  );

  it('believes the environment, then its file, then the interfaces', () => {
    const environmentFile = 'COREOS_PUBLIC_IPV4="198.51.100.1"\nCOREOS_PRIVATE_IPV6=fd00::9\n';
    const environment = { COREOS_PUBLIC_IPV4: '198.51.100.2' };
    expect(addressesOf({ environment, environmentFile, interfaces })).toEqual({
      ...{ private_ipv4: '10.0.0.5', public_ipv4: '198.51.100.2', private_ipv6: 'fd00::9' },
    });
  });

  it('tells private from public ones, takes one for both, and believes no nonsense', () => {
    const none = { environment: { COREOS_PRIVATE_IPV4: 'x' }, environmentFile: '' };
    const both = addressesOf({ ...none, interfaces });
    expect(both).toEqual({ private_ipv4: '10.0.0.5', public_ipv4: '203.0.113.9' });
    const one = addressesOf({ ...none, interfaces: interfaces.slice(0, 3) });
    expect(one).toEqual({ private_ipv4: '203.0.113.9', public_ipv4: '203.0.113.9' });
  });
});

describe('files that are added to', () => {
  it('keep what stands in them', () => {
    expect(
      withVariables('# c\nA=1\nB=2', [
        ['B', '3'],
        ['C', '4'],
      ]),
    ).toBe('# c\nA=1\nB=3\nC=4\n');
    expect(withVariables('', [['A', '1']])).toBe('A=1\n');
    const hosts = withOwnName('127.0.0.1 localhost\n', 'node1');
    expect(hosts).toMatch(/^127\.0\.0\.1 node1 #.*\n127\.0\.0\.1 localhost\n$/);
    expect(withOwnName(hosts, 'node2')).toBe(hosts.replace('node1', 'node2'));
  });

  it('have the keys of a config in a block, of which there is one', () => {
    const once = withKeys('ssh-rsa A me\n', 'x', ['k 1', 'k 2']);
    expect(once).toBe(
      'ssh-rsa A me\n# fleet-cloudinit: begin x\nk 1\nk 2\n# fleet-cloudinit: end x\n',
    );
    expect(withKeys(`${once}ssh-rsa B me\n`, 'x', ['k 3'])).toBe(
      'ssh-rsa A me\n# fleet-cloudinit: begin x\nk 3\n# fleet-cloudinit: end x\nssh-rsa B me\n',
    );
  });

  it('have values between quotes as systemd reads them, specifiers kept', () => {
    const text = environmentDropIn([['A', 'a"b\\c %m %H 50% %20 %%']]);
    expect(text).toBe('[Service]\nEnvironment="A=a\\"b\\\\c %m %H 50%% %%20 %%"\n');
  });
});

describe('decodeContent', () => {
  const packed = gzipSync('hello');
  it.each([
    ['', Buffer.from('hello')],
    ['base64', Buffer.from('aGVs\n bG8=\n')],
    ['b64', Buffer.from('aGVsbG8=')],
    ['gzip', packed],
    ['gz', packed],
    ...['gz+base64', 'gzip+base64', 'gz+b64', 'gzip+b64'].map((name): [string, Buffer] => [
      name,
      Buffer.from(packed.toString('base64')),
    ]),
  ])('reads %j', (encoding, content) => {
    const decoded = decodeContent(content, encoding);
    expect(decoded.ok && decoded.value.toString()).toBe('hello');
  });

  it.each([
    ['base64', 'aGVsbG8'],
    ['base64', 'a-b_'],
    ['base64', 'a=bb'],
    ['gzip', 'hello'],
    ['gz+b64', 'aGVsbG8='],
  ])('refuses as %s: %s', (encoding, text) => {
    expect(decodeContent(Buffer.from(text), encoding).ok).toBe(false);
  });
});

describe('metadataObjection', () => {
  it.each(['a=b', 'a=b,c=d', 'a=b, c = d', 'region=us-west-1', 'a='])('takes %s', (text) => {
    expect(metadataObjection(text)).toBeNull();
  });
  it.each(['', 'a', 'a=b,', 'a=b,c', 'a="b"', "a='b,c'", 'a=b=c', '=b', 'a=1,a=2', 'a/b=1'])(
    'refuses %j',
    (text) => expect(metadataObjection(text)).toMatch(/^coreos\.fleet\.metadata.*(;|: )/),
  );
});

it.each([
  ['quiet cloud-config-url=http://a/b root=/dev/x', 'http://a/b'],
  ['cloud_config_url=http://a cloud-config-url=http://b\n', 'http://b'],
  ['cloud-config-url= cloud-config-url', null],
  ['', null],
])('the kernel command line %j names %s', (line, url) => {
  expect(cloudConfigUrl(line)).toBe(url);
});

it('commands are shown as they can be typed', () => {
  expect(shellWords(['a', 'b c', "d'e", '*', ''])).toBe("a 'b c' 'd'\\''e' '*' ''");
});

it('options may have one dash, as they had', () => {
  expect(['-from-file=x', '--validate', '-validate', '-h', 'x'].map(withTwoDashes)).toEqual([
    ...['--from-file=x', '--validate', '--validate', '-h', 'x'],
  ]);
});
