import { FleetError } from '../lib/error.ts';
import {
  type Addresses,
  addressesOf,
  exampleAddresses,
  fillAddresses,
  type InterfaceAddress,
} from './addresses.ts';
import type { CloudConfig } from './cloud-config.ts';
import { decodeCloudConfig } from './decode.ts';
import { discoveryProblems } from './discovery.ts';
import { executeSteps } from './execute.ts';
import type { GetUrl } from './get-url.ts';
import { mergedPaths } from './machine.ts';
import { withMetadata } from './metadata-config.ts';
import { planCloudConfig } from './plan.ts';
import { planScript } from './plan-script.ts';
import { etcdProblems } from './plan-settings.ts';
import { hasErrors, type Problem, problemLines } from './problem.ts';
import { type Flags, sourceOf } from './program.ts';
import { readMachine, textAt } from './read-machine.ts';
import type { RunCommand } from './run-command.ts';
import { shellWords } from './shell-words.ts';
import { type Provided, readSource } from './sources.ts';
import type { Step } from './step.ts';
import { readUserData } from './user-data.ts';

/** What surrounds one run. */
export interface Surroundings {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly interfaces: readonly InterfaceAddress[];
  readonly isRoot: boolean;
  readonly get: GetUrl;
  readonly run: RunCommand;
  /** Says a line in the name of the program. */
  readonly say: (line: string) => void;
  /** Says a line as it is: one that begins with FILE:LINE:COLUMN. */
  readonly tell: (line: string) => void;
  /** Prints a line of what was asked for. */
  readonly print: (line: string) => void;
}

/** 0: done, 1: not, 2: the command line is wrong. */
export type ExitStatus = 0 | 1 | 2;

/**
 * Reads user-data, checks all of it and does what it says. Throws FleetError when it cannot be
 * read, or when a disk fails before the first change.
 */
export async function applyUserData(flags: Flags, surroundings: Surroundings): Promise<ExitStatus> {
  const source = sourceOf(flags);
  if (source === null) {
    surroundings.say('one source is needed: --from-file FILE, another --from, or --at-boot');
    surroundings.say('--help shows what there is');
    return 2;
  }
  const isReal = flags.validate !== true && flags.root === undefined;
  if (isReal && !surroundings.isRoot) throw notRoot();
  const root = flags.root ?? '/';
  const provided = await readSource(source, { root, get: surroundings.get });
  if (provided === null) {
    surroundings.say('this machine has no cloud-config; nothing to do');
    return 0;
  }
  if (flags.validate === true) return validate(provided, surroundings);
  const prepared = await prepare(provided, { flags, root, surroundings });
  for (const line of problemLines(provided.name, prepared.problems)) surroundings.tell(line);
  if (hasErrors(prepared.problems)) {
    surroundings.say('nothing was changed; correct the above and run this again');
    return 1;
  }
  return execute(prepared.steps, { flags, root, surroundings });
}

interface Run {
  readonly flags: Flags;
  readonly root: string;
  readonly surroundings: Surroundings;
}

/** What user-data says, as far as that can be told without a machine. */
interface Understood {
  readonly config: CloudConfig;
  readonly script: string | null;
  readonly problems: readonly Problem[];
}

function understand({ userData, metadata }: Provided, addresses: Addresses): Understood {
  const data = readUserData(userData);
  if (data.kind === 'refused') {
    return { config: decodeCloudConfig('').config, script: null, problems: [data.problem] };
  }
  const given = data.kind === 'empty' ? '' : data.text;
  const { text, problems } = fillAddresses(given, addresses);
  const decoded = decodeCloudConfig(data.kind === 'cloud-config' ? text : '');
  const { config, problems: fromMetadata } = withMetadata(decoded.config, metadata);
  return {
    config,
    script: data.kind === 'script' ? text : null,
    problems: [...problems, ...decoded.problems, ...fromMetadata],
  };
}

function validate(provided: Provided, { say, tell }: Surroundings): ExitStatus {
  const { config, problems: found } = understand(provided, exampleAddresses);
  const problems = [...found, ...etcdProblems(config)];
  for (const line of problemLines(provided.name, problems)) tell(line);
  const wrong = problems.filter(({ severity }) => severity !== 'note');
  if (wrong.length === 0) {
    say(`${provided.name} is valid`);
    return 0;
  }
  const mistakes = wrong.length === 1 ? 'the mistake' : `the ${wrong.length} mistakes`;
  say(`${provided.name} is not valid: correct ${mistakes} above`);
  return 1;
}

async function prepare(
  provided: Provided,
  { flags, root, surroundings }: Run,
): Promise<{ readonly steps: readonly Step[]; readonly problems: readonly Problem[] }> {
  const { environment, interfaces } = surroundings;
  const environmentFile = await textAt(root, mergedPaths.environment);
  const addresses = addressesOf({ environment, environmentFile, interfaces });
  const { config, script, problems } = understand(provided, addresses);
  if (hasErrors(problems)) return { steps: [], problems };
  const isWithinBoot = flags.atBoot === true;
  const machine = await readMachine(root, config);
  const circumstances = { machine, addresses, keyName: flags.sshKeyName, isWithinBoot };
  const plan = planCloudConfig(config, circumstances);
  const { workspace } = flags;
  const scriptSteps = script === null ? [] : planScript(script, { workspace, isWithinBoot });
  const known = [...problems, ...plan.problems];
  const steps = [...plan.steps, ...scriptSteps];
  // Nobody is asked for the sake of a tree, nor when it is in vain.
  if (flags.root !== undefined || hasErrors(known)) return { steps, problems: known };
  const away = await discoveryProblems(config, { root, get: surroundings.get });
  return { steps, problems: [...known, ...away] };
}

async function execute(
  steps: readonly Step[],
  { flags, root, surroundings }: Run,
): Promise<ExitStatus> {
  const { say, print } = surroundings;
  const printed: RunCommand = (argv) => {
    print(shellWords(argv));
    return Promise.resolve(null);
  };
  const isReal = flags.root === undefined;
  let changeCount = 0;
  const failures = await executeSteps(steps, {
    root,
    run: isReal ? surroundings.run : printed,
    isShown: !isReal,
    say: (line) => {
      changeCount += 1;
      if (isReal || !line.startsWith('ran ')) say(line);
    },
  });
  for (const failure of failures) say(failure);
  if (failures.length > 0) {
    say('not all was done: correct what is above (journalctl -b may say more), run this again');
    return 1;
  }
  if (changeCount === 0) say('nothing had to be changed');
  return 0;
}

function notRoot(): FleetError {
  return new FleetError('only root can apply a cloud-config', {
    code: 'config/invalid',
    retry: 'never',
    hint: "run it with sudo, or see what it becomes with '--root FOLDER'",
  });
}
