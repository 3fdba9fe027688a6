import { flotillaVersion } from '../../lib/version.ts';
import type { Command } from '../command.ts';

/** `fleetctl version` and `fleetctl --version`. */
export const version: Command = {
  name: 'version',
  summary: 'print the version of fleetctl',
  description: 'Prints the version of fleetctl.',
  operand: null,
  flags: [],
  examples: ['fleetctl version'],
  async run({ screen }) {
    screen.line(versionText);
    return 0;
  },
};

/** What a version asks for. */
export const versionText = `fleetctl version ${flotillaVersion}`;
