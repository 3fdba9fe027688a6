/** What a stream of the etcd client can do, as far as it is needed here. */
export interface Stream<Request, Response> {
  write(item: Request): void;
  cancel(): void;
  on(event: 'data', listener: (item: Response) => void): unknown;
  on(event: 'end', listener: () => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
}

/**
 * Takes a stream over from the client library, whose own listener would close every channel of
 * the connection at the first error, even at that of our own cancel.
 */
export function ownStream<Request, Response>(
  stream: Stream<Request, Response>,
  onError: (error: Error) => void,
): Stream<Request, Response> {
  const bare = stream as unknown as { removeAllListeners(event: 'error'): void };
  bare.removeAllListeners('error');
  stream.on('error', onError);
  return stream;
}
