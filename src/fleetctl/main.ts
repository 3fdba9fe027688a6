import { runFleetctl } from './program.ts';

// `fleetctl list-units | head` is no mistake: who reads has seen enough.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? 0 : 1);
});

void runFleetctl({
  args: process.argv.slice(2),
  environment: process.env,
  out: process.stdout,
  err: process.stderr,
}).then((status) => process.exit(status));
