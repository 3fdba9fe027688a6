import { describe, expect, it } from 'vitest';
import { unitOptions } from '../../../src/unitfile/unit-file.ts';
import { contentHash, unitHash } from '../../../src/unitfile/unit-hash.ts';
import { aUnitFile } from '../../builders/unit-file.ts';

const hashOf = (text: string): string => unitHash(unitOptions(aUnitFile(text)));

describe('unitHash', () => {
  it('is what fleet 1.0 says of the same file', () => {
    const expected = '1c6fb6f3684bafb0c173d8b8b957ceff031180c1'; // from its own tests
    expect(hashOf('[Service]\nExecStart=/bin/sleep 100\n')).toBe(expected);
  });

  it('does not see comments, blank lines, blanks and repeated headers', () => {
    const plain = hashOf('[A]\nx=1\ny=2 \\\n  3\n\n[B]\nz=4\n');
    expect(hashOf('# c\n[A]\n x = 1\n[B]\nz=4\n\n[A]\ny=2 \\\n# c\n  3')).toBe(plain);
    expect(hashOf('[A]\r\nx=1\r\ny=2 \\\r\n  3\r\n[B]\r\nz=4\r\n')).toBe(plain);
  });

  it.each(['[A]\nx=2\n', '[A]\nX=1\n', '[B]\nx=1\n', '[A]\nx=1\nx=\n', '[A]\nx=1\ny=1\n'])(
    'sees that %j is another unit',
    (text) => {
      expect(hashOf(text)).not.toBe(hashOf('[A]\nx=1\n'));
    },
  );
});

describe('contentHash', () => {
  it('is SHA-256 of the bytes', () => {
    const empty = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
    expect(contentHash('')).toBe(empty);
    const accented = '4a99557e4033c3539de2eb65472017cad5f9557f7a0625a09f1c3f6e2ba69c4c';
    expect(contentHash('é')).toBe(accented);
  });
});
