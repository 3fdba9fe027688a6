import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  leaseRequest,
  readKeepAlive,
  readTimeToLive,
  vacateRequest,
} from '../../../src/registry/etcd-messages.ts';
import { bytesField, intField, message, readFields } from '../../../src/registry/protobuf.ts';
import type { LeaseId } from '../../../src/registry/store.ts';

test('what is written is read, whatever the number', () => {
  const numbers = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2000 }), numbers, fc.uint8Array(), (at, int, bytes) => {
      const fields = readFields(message(intField(at, int), bytesField(at + 1, bytes)));
      expect(fields.int(at)).toBe(int);
      expect(Buffer.from(fields.bytes(at + 1)).equals(Buffer.from(bytes))).toBe(true);
      expect([fields.int(at + 1), fields.bytes(at).length]).toEqual([0n, 0]);
    }),
  );
});

test('any bytes are read or refused, never more than that', () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      try {
        readFields(bytes);
      } catch (thrown) {
        expect(String(thrown)).toContain('no protocol buffer');
      }
    }),
  );
});

test('fields of forms that we do not use are passed over', () => {
  const fixed = Uint8Array.from([0x09, 1, 2, 3, 4, 5, 6, 7, 8, 0x15, 1, 2, 3, 4]);
  expect(readFields(message(fixed, intField(3, 7n))).int(3)).toBe(7n);
});

test('a renewal is asked for as etcd writes it', () => {
  expect([...leaseRequest('300' as LeaseId)]).toEqual([0x08, 0xac, 0x02]);
});

test('a lease without a TTL is gone', () => {
  const header = bytesField(1, message(intField(1, 7n), intField(3, 6n), intField(4, 5n)));
  expect(readKeepAlive(message(header, intField(2, 9n)))).toEqual({ leaseId: '9', standing: null });
  const standing = { remainingMs: 3000, grantedMs: 3000, raftTerm: '5' };
  const alive = message(header, intField(2, 9n), intField(3, 3n));
  expect(readKeepAlive(alive)).toEqual({
    leaseId: '9',
    standing: { ...standing, header: { storeId: '7', revision: 6n } },
  });
  expect(readTimeToLive(message(header, intField(3, -1n)))).toBeNull();
  const left = message(header, intField(3, 0n), intField(4, 3n));
  expect(readTimeToLive(left)).toEqual({ ...standing, remainingMs: 0 });
});

test('the leadership is given up under its term, or while that is not known under its lease', () => {
  const seat = { key: 'k', leaseId: '9' as LeaseId };
  const compareOf = (term: string | null) =>
    readFields(readFields(vacateRequest({ ...seat, term })).bytes(1));
  const [create, lease] = [compareOf('77'), compareOf(null)];
  expect([create.int(1), create.int(2), create.int(5)]).toEqual([0n, 1n, 77n]);
  expect([lease.int(1), lease.int(2), lease.int(8)]).toEqual([0n, 4n, 9n]);
  expect(Buffer.from(create.bytes(3)).toString()).toBe('k');
});
