import fc from 'fast-check';
import { desiredStates } from '../../src/model/unit.ts';
import type { UnitName } from '../../src/unitfile/unit-name.ts';
import type { UserAction } from '../builders/remembered-units.ts';

/** What all units of a sequence, and nothing else on a machine, are named by. */
export const mark = 'seq-';
/** Where units write when they start, which unit, and with which content. */
export const startsPath = '/run/sequence-starts';

const named = (text: string): UnitName => `${mark}${text}.service` as UnitName;
/** Runs on every machine. */
export const everywhere = named('everywhere');
/** Runs where its leader runs. */
export const follower = named('side');
/** Whom the follower follows. */
export const leader = named('web@1');
/** Never two of them on one machine. */
export const loners: readonly UnitName[] = [named('lone@1'), named('lone@2')];

/** Takes its time to start and to stop. */
export const slow = named('slow');
const names = [leader, named('web@2'), slow, everywhere, follower, ...loners];

/** One step: what is asked for, of which machine's API, and the pause before the next. */
export interface Step {
  readonly action: UserAction;
  /** An index of a machine. */
  readonly via: number;
  readonly pauseMs: number;
}

const desired = fc.constantFrom(...desiredStates);

/** A sequence of steps with some of the units, most of which meet a cluster in motion. */
export const anySequence: fc.Arbitrary<readonly Step[]> = fc
  .subarray(names, { minLength: 1, maxLength: 5 })
  .chain((units) => stepsWith(fc.constantFrom(...units)));

function stepsWith(unit: fc.Arbitrary<UnitName>): fc.Arbitrary<readonly Step[]> {
  const step = fc.record({
    action: actionOn(unit),
    via: fc.integer({ min: 0, max: 2 }),
    pauseMs: fc.constantFrom(0, 0, 0, 5, 30, 100, 400, 1_500),
  });
  return fc.array(step, { minLength: 4, maxLength: 20, size: 'max' });
}

function actionOn(unit: fc.Arbitrary<UnitName>): fc.Arbitrary<UserAction> {
  const submission = fc
    .record({
      name: unit,
      // Few of them, so that the same content comes again.
      content: fc.integer({ min: 1, max: 3 }),
      // Changes the bytes, not the unit.
      comment: fc.integer({ min: 1, max: 2 }),
      desired: fc.oneof({ weight: 7, arbitrary: fc.constant('launched' as const) }, desired),
    })
    .map((drawn) => ({ name: drawn.name, text: unitText(drawn), desired: drawn.desired }));
  const submit = fc.record({ kind: fc.constant('submit' as const), submission });
  return fc.oneof(
    { weight: 9, arbitrary: submit },
    { weight: 6, arbitrary: fc.record({ kind: fc.constant('set' as const), unit, desired }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('restart' as const), unit }) },
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('destroy' as const), unit }) },
  );
}

/** A step in words, for a test that failed. */
export function stepWords({ action: asked, via, pauseMs }: Step): string {
  const rest = `via m${via + 1}, then ${pauseMs} ms`;
  if (asked.kind === 'submit') {
    const { name: unit, text, desired: state } = asked.submission;
    const comment = /^# (.*)$/m.exec(text)?.[1];
    return `submit ${unit} content ${contentOf(text)} comment ${comment} ${state} ${rest}`;
  }
  return `${asked.kind} ${asked.unit} ${asked.kind === 'set' ? asked.desired : ''} ${rest}`;
}

/** Which content a text has: the last word of what its process is called. */
export function contentOf(text: string): string {
  return /"sequence %n (\d+)"/.exec(text)?.[1] ?? '';
}

/** Its process tells its unit and its content: `sequence seq-web@1.service 3 infinity`. */
function unitText(drawn: { name: UnitName; content: number; comment: number }): string {
  const says = `echo $$EPOCHREALTIME %n ${drawn.content} >>${startsPath}`;
  const runs = `exec -a "sequence %n ${drawn.content}" sleep infinity`;
  const nap = '/bin/sleep 0.4';
  const lines = [
    `# ${drawn.comment}`,
    '[Service]',
    ...(drawn.name === slow ? [`ExecStartPre=${nap}`, `ExecStop=${nap}`] : []),
    `ExecStart=/bin/bash -c '${says}; ${runs}'`,
    '[X-Fleet]',
    ...(drawn.name === everywhere ? ['Global=true'] : []),
    ...(drawn.name === follower ? [`MachineOf=${leader}`] : []),
    ...(loners.includes(drawn.name) ? [`Conflicts=${mark}lone@*.service`] : []),
  ];
  return `${lines.join('\n')}\n`;
}
