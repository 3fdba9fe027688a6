import { Command } from 'commander';
import { flotillaVersion } from '../lib/version.ts';

/** What can be said to fleetd on its command line. */
export interface Flags {
  readonly config: string;
  readonly leave?: boolean;
}

const examples = `
Examples:
  fleetd                          as fleet.service starts it
  fleetd --config ./fleet.conf    with another configuration
  FLEET_AGENT_TTL=30s fleetd      every option also comes from the environment`;

/** The command line of fleetd. Mistakes in it, help and version throw `CommanderError`. */
export function fleetdProgram(): Command {
  return new Command('fleetd')
    .description('The daemon of every machine: takes part in leading, runs what is assigned to it.')
    .version(`fleetd ${flotillaVersion}`, '--version')
    .option('--config <file>', 'the configuration', '/etc/fleet/fleet.conf')
    .option('--leave', 'give up the lease of this machine if it shuts down; then end')
    .addHelpText('after', examples)
    .configureOutput({
      outputError: (text, write) =>
        write(`${text.replace(/^error: /, 'fleetd: ')}fleetd: --help shows what there is\n`),
    })
    .exitOverride();
}
