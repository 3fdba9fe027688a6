import type { Command } from './command.ts';
import { adoptStore } from './commands/adopt-store.ts';
import { cat } from './commands/cat.ts';
import { cloudConfig } from './commands/cloud-config.ts';
import { complete } from './commands/complete.ts';
import { completion } from './commands/completion.ts';
import { destroy } from './commands/destroy.ts';
import { fdForward } from './commands/fd-forward.ts';
import { forget } from './commands/forget.ts';
import { journal } from './commands/journal.ts';
import { listMachines } from './commands/list-machines.ts';
import { listUnitFiles } from './commands/list-unit-files.ts';
import { listUnits } from './commands/list-units.ts';
import { load } from './commands/load.ts';
import { restart } from './commands/restart.ts';
import { resume } from './commands/resume.ts';
import { ssh } from './commands/ssh.ts';
import { start } from './commands/start.ts';
import { status } from './commands/status.ts';
import { stop } from './commands/stop.ts';
import { submit } from './commands/submit.ts';
import { unload } from './commands/unload.ts';
import { upgrade } from './commands/upgrade.ts';
import { verify } from './commands/verify.ts';
import { version } from './commands/version.ts';

/** Every command, in the order help lists them. */
export const commands: readonly Command[] = [
  submit,
  load,
  start,
  restart,
  stop,
  unload,
  destroy,
  cat,
  verify,
  listUnits,
  listUnitFiles,
  listMachines,
  resume,
  forget,
  adoptStore,
  upgrade,
  cloudConfig,
  status,
  journal,
  ssh,
  fdForward,
  completion,
  version,
  complete,
];
