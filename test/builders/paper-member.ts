import { createServer, type Http2Server, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { bytesField, intField, message } from '../../src/registry/protobuf.ts';

/** The head of an answer over gRPC that ends well. */
export const grpcOk = { ':status': 200, 'content-type': 'application/grpc' };

/** A member of etcd, as far as one call over HTTP/2 goes: it gives to each what a test says. */
export interface PaperMember {
  readonly endpoint: string;
  /** Connections that are open now. */
  readonly sessionCount: () => number;
  close(): void;
}

/** Begins to listen on the loopback. */
export async function startPaperMember(
  answer: (stream: ServerHttp2Stream) => void,
): Promise<PaperMember> {
  const server = createServer();
  const sessions = new Set<object>();
  server.on('session', (session) => {
    sessions.add(session);
    session.on('close', () => sessions.delete(session));
  });
  server.on('stream', (stream) => {
    stream.on('error', () => undefined); // the link may leave first
    answer(stream);
  });
  return {
    endpoint: `http://127.0.0.1:${await listening(server)}`,
    sessionCount: () => sessions.size,
    close: () => server.close(),
  };
}

/** A message as gRPC sends it. */
export function framed(bytes: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
}

/** What etcd says to a renewal of lease 9, which has 3 s. */
export function renewedNine(header = message(intField(4, 5n))): Buffer {
  return framed(message(bytesField(1, header), intField(2, 9n), intField(3, 3n)));
}

async function listening(server: Http2Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}
