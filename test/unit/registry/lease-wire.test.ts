import type { ServerHttp2Stream } from 'node:http2';
import { afterEach, expect, test } from 'vitest';
import { systemClock } from '../../../src/lib/clock.ts';
import { LeaseWire } from '../../../src/registry/lease-wire.ts';
import type { RenewalAnswer } from '../../../src/registry/member-link.ts';
import type { LeaseId } from '../../../src/registry/store.ts';
import {
  grpcOk,
  type PaperMember,
  renewedNine,
  startPaperMember,
} from '../../builders/paper-member.ts';

const leaseId = '9' as LeaseId;
/** How long a renewal waits where it gets no answer. */
const lateMs = 200;
const patientMs = 20_000;

let members: PaperMember[] = [];
let wire: LeaseWire | null = null;
afterEach(() => {
  wire?.close();
  for (const member of members) member.close();
  members = [];
});

const renew = (stream: ServerHttp2Stream): void => {
  stream.respond(grpcOk);
  stream.on('data', () => stream.write(renewedNine()));
};

/** A wire over members that answer so; the first is asked first. */
async function wireTo(...answers: readonly ((stream: ServerHttp2Stream) => void)[]) {
  for (const answer of answers) members.push(await startPaperMember(answer));
  const endpoints = members.map(({ endpoint }) => endpoint);
  const clock = systemClock;
  const opened = new LeaseWire({ endpoints, tls: null, login: null, firstMember: 0, clock });
  wire = opened;
  const heard: RenewalAnswer[] = [];
  opened.onAnswer((answer) => void heard.push(answer));
  const open = (): readonly number[] => members.map(({ sessionCount }) => sessionCount());
  return { wire: opened, heard, open };
}

test('a connection that was late is heard for one try more, and closed once another has answered', async () => {
  const waiting: ServerHttp2Stream[] = [];
  const { wire, heard, open } = await wireTo((stream) => {
    stream.respond(grpcOk);
    waiting.push(stream);
  }, renew);
  await expect(wire.renew(leaseId, lateMs)).rejects.toThrow('no answer within 200 ms');
  expect(open()).toEqual([1, 0]);
  waiting[0]?.write(renewedNine());
  await expect.poll(() => heard.length).toBe(1);
  expect(await wire.renew(leaseId, patientMs)).toMatchObject({ grantedMs: 3000 });
  await expect.poll(open).toEqual([0, 1]);
});

test('whatever is late, no more than two connections are open', async () => {
  const silent = (stream: ServerHttp2Stream): void => stream.respond(grpcOk);
  const { wire, open } = await wireTo(silent, silent, silent);
  for (let tryCount = 0; tryCount < 4; tryCount += 1) {
    await expect(wire.renew(leaseId, lateMs)).rejects.toThrow('no answer');
  }
  await expect.poll(open).toEqual([1, 0, 1]);
});

test('who was sent to another member by a late answer returns to the one it shares with the watches', async () => {
  let isSilent = true;
  const askedCount = [0, 0];
  const member = (number: number) => (stream: ServerHttp2Stream) => {
    stream.respond(grpcOk);
    stream.on('data', () => {
      askedCount[number] = (askedCount[number] ?? 0) + 1;
      if (number === 1 || !isSilent) stream.write(renewedNine());
    });
  };
  const { wire, open } = await wireTo(member(0), member(1));
  wire.prefer(members[0]?.endpoint ?? '');
  await expect(wire.renew(leaseId, lateMs)).rejects.toThrow('no answer');
  await wire.renew(leaseId, patientMs);
  expect(askedCount).toEqual([1, 1]);
  isSilent = false;
  await wire.renew(leaseId, patientMs);
  await wire.renew(leaseId, patientMs);
  expect(askedCount).toEqual([3, 1]);
  await expect.poll(open).toEqual([1, 0]);
});
