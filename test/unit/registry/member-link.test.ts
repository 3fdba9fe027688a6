import type { ServerHttp2Stream } from 'node:http2';
import { afterEach, expect, test } from 'vitest';
import { systemClock } from '../../../src/lib/clock.ts';
import { MemberLink, type RenewalAnswer } from '../../../src/registry/member-link.ts';
import { intField, message } from '../../../src/registry/protobuf.ts';
import type { LeaseId } from '../../../src/registry/store.ts';
import {
  framed,
  grpcOk,
  type PaperMember,
  renewedNine,
  startPaperMember,
} from '../../builders/paper-member.ts';

const leaseId = '9' as LeaseId;
let answers: RenewalAnswer[] = [];
let member: PaperMember | null = null;
afterEach(() => {
  answers = [];
  member?.close();
});

async function linkTo(answer: (stream: ServerHttp2Stream) => void): Promise<MemberLink> {
  member = await startPaperMember(answer);
  const { endpoint } = member;
  const answered = (answer: RenewalAnswer): void => void answers.push(answer);
  return new MemberLink({ endpoint, tls: null, login: null, clock: systemClock, answered });
}

test('an answer in pieces, and two in one piece, are read as what they are', async () => {
  const header = message(intField(1, -2n), intField(3, 8n), intField(4, 5n));
  const alive = renewedNine(header);
  const link = await linkTo((stream) => {
    stream.respond(grpcOk);
    stream.write(alive.subarray(0, 3));
    setTimeout(() => stream.write(Buffer.concat([alive.subarray(3), alive])), 20);
  });
  const of = { storeId: '18446744073709551614', revision: 8n };
  const standing = { header: of, remainingMs: 3000, grantedMs: 3000, raftTerm: '5' };
  expect(await link.renew(leaseId)).toEqual(standing);
  expect(link.isEnded).toBe(false);
  link.end();
});

test('a late answer carries the time at which its own renewal was sent, not that of the next', async () => {
  const alive = renewedNine();
  let requestCount = 0;
  const link = await linkTo((stream) => {
    stream.respond(grpcOk);
    stream.on('data', () => {
      requestCount += 1;
      if (requestCount === 2) stream.write(Buffer.concat([alive, alive]));
    });
  });
  const beganAtMs = systemClock.nowMs();
  const first = link.renew(leaseId);
  await expect.poll(() => requestCount).toBe(1);
  const betweenMs = systemClock.nowMs();
  await Promise.all([first, link.renew(leaseId)]);
  await expect.poll(() => answers).toHaveLength(2);
  const [early, late] = answers.map(({ sentAtMs }) => sentAtMs);
  expect(early).toBeGreaterThanOrEqual(beganAtMs);
  expect(early).toBeLessThan(betweenMs);
  expect(late).toBeGreaterThanOrEqual(betweenMs);
  link.end();
});

test('an answer that cannot be read ends the connection and is told, nothing more', async () => {
  const link = await linkTo((stream) => {
    stream.respond(grpcOk);
    stream.write(framed(Uint8Array.from([0x0a, 0x7f])));
  });
  await expect(link.renew(leaseId)).rejects.toThrow('not understood: no protocol buffer');
  expect(link.isEnded).toBe(true);
});

test.each([
  [
    'a refusal in words',
    { 'grpc-status': '14', 'grpc-message': 'etcdserver: no leader' },
    'no leader',
  ],
  ['a refusal without any', { 'grpc-status': '13' }, 'gRPC status 13'],
])('%s is passed on', async (_what, headers, words) => {
  const link = await linkTo((stream) =>
    stream.respond({ ...grpcOk, ...headers }, { endStream: true }),
  );
  await expect(link.renew(leaseId)).rejects.toThrow(words);
});

test('something that is no etcd is refused by its status', async () => {
  const link = await linkTo((stream) => stream.respond({ ':status': 503 }, { endStream: true }));
  await expect(link.renew(leaseId)).rejects.toThrow('HTTP status 503');
});

test('a lease that the member does not find is gone, not a trouble', async () => {
  const headers = { 'grpc-status': '5', 'grpc-message': 'etcdserver: requested lease not found' };
  const link = await linkTo((stream) =>
    stream.respond({ ...grpcOk, ...headers }, { endStream: true }),
  );
  expect(await link.renew(leaseId)).toBeNull();
});
