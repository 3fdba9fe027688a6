import { dirname, join } from 'node:path';
import { defaultLabName } from './names.ts';

/** How fleetlab was started, and for which lab. */
export interface Typed {
  /** What starts it again: `fleetlab`, or a path such as `bin/fleetlab`. */
  readonly program: string;
  readonly lab: string;
  /** The lab that is meant when none is named. */
  readonly labUnnamed: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * From what `bin/fleetlab` says of itself; a program that PATH finds needs no path. `lab` is null
 * where nobody knows yet which one is meant.
 */
export function typedFrom(environment: Environment, lab: string | null): Typed {
  const given = environment['FLEETLAB_STARTED_AS'] || 'fleetlab';
  const folders = (environment['PATH'] ?? '').split(':');
  const isFound = given.includes('/') && folders.includes(dirname(given));
  const labUnnamed = environment['FLEETLAB_NAME'] || defaultLabName;
  return { program: isFound ? 'fleetlab' : given, lab: lab ?? labUnnamed, labUnnamed };
}

/** Commands within a sentence: `'fleetlab down'`, `"$(fleetlab env)" points fleetctl at it`. */
const command = /(?<=['(]|sudo |points )(fleetlab|fleetctl)(?= )/g;

/** A sentence with the commands in it as they are to be typed: `'bin/fleetlab --lab x down'`. */
export function asTyped(text: string, { program, lab, labUnnamed }: Typed): string {
  return text.replace(command, (name, _group, at: number) => {
    if (name === 'fleetctl') return program.includes('/') ? join(dirname(program), name) : name;
    const isNamed = lab === labUnnamed || text.startsWith(' --lab', at + name.length);
    return isNamed ? program : `${program} --lab ${lab}`;
  });
}
