import { connect } from 'node:net';
import { FleetError, messageOf } from '../../lib/error.ts';
import type { Command, Context } from '../command.ts';
import { usageError } from '../command-error.ts';
import { parseEndpoint } from '../endpoint.ts';
import { unreachable } from '../transport.ts';

/** `fleetctl fd-forward`: the far end of a tunnel. */
export const fdForward: Command = {
  name: 'fd-forward',
  summary: 'join stdin and stdout to a unix socket',
  description:
    'Joins stdin and stdout to a unix socket. This is what fleetctl --tunnel runs on the other ' +
    'machine; nobody has to type it.',
  operand: { usage: '<socket>', what: 'the path of the socket' },
  flags: [],
  examples: ['fleetctl fd-forward /var/run/fleet.sock'],
  async run(context, [socket = '']) {
    const endpoint = parseEndpoint(socket.startsWith('/') ? `unix://${socket}` : socket);
    if (!endpoint.ok || endpoint.value.kind !== 'unix') {
      throw usageError(
        `"${socket}" is not the path of a socket`,
        'write it as /var/run/fleet.sock',
      );
    }
    try {
      await join(context, endpoint.value.path);
    } catch (error) {
      if (error instanceof FleetError) throw error;
      throw unreachable(endpoint.value, error);
    }
    return 0;
  },
};

/** Ends when the socket does; the end of stdin is handed on and what is to come still awaited. */
function join({ here, screen }: Context, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path, allowHalfOpen: true });
    const input = here.input.stream();
    input.once('error', (error) => socket.destroy(new Error(messageOf(error))));
    socket.once('error', reject);
    socket.once('connect', () => {
      input.pipe(socket);
      socket.pipe(screen.out, { end: false });
    });
    socket.once('end', () => {
      input.unpipe(socket);
      input.destroy();
      socket.destroy();
      resolve();
    });
  });
}
