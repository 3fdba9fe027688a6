import { Option } from 'commander';
import type { LabStatus } from '../status.ts';
import { labEnvironment, labStatus } from '../status.ts';
import type { AddCommands } from './command.ts';

/** `fleetlab status` and `fleetlab env` */
export const addStatus: AddCommands = (program, shell) => {
  program
    .command('status')
    .description('show the machines and what they are doing')
    .addOption(new Option('-o, --output <form>', 'a table, or JSON').choices(['table', 'json']))
    .action(async (flags: { readonly output?: string }) => {
      const status = await labStatus(shell.context().lab);
      const lines =
        flags.output === 'json' ? [JSON.stringify(status, null, 2)] : statusTable(status);
      for (const line of lines) shell.print(line);
    });
  program
    .command('env')
    .description('print shell exports that point fleetctl and etcdctl at the lab')
    .action(async () => {
      const variables = await labEnvironment(shell.context().lab);
      for (const [name, value] of Object.entries(variables)) shell.print(`export ${name}=${value}`);
    });
};

/** The lines of the table of `fleetlab status`. */
export function statusTable(status: LabStatus): readonly string[] {
  const head = ['NAME', 'MACHINE', 'ADDRESS', 'STATE', 'FLEETD', 'ETCD', 'METADATA', 'FAULTS'];
  const rows = status.machines.map((machine) => [
    machine.name,
    machine.id,
    machine.address,
    machine.state,
    machine.fleetd,
    machine.etcd,
    machine.metadata || '-',
    machine.faults.join(',') || '-',
  ]);
  const table = [head, ...rows];
  const widths = head.map((_word, column) =>
    Math.max(...table.map((row) => row[column]?.length ?? 0)),
  );
  return table.map((row) =>
    row
      .map((word, column) => word.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
