import { validateUnit } from '../../src/api/validate.ts';
import { FleetError } from '../../src/lib/error.ts';
import type { Catalog, Submission } from '../../src/model/catalog.ts';
import { type DesiredState, desiredStates } from '../../src/model/unit.ts';
import type { UnitName } from '../../src/unitfile/unit-name.ts';
import { named } from '../builders/cluster.ts';
import type { Random } from './random.ts';

/** What a user asks for. */
export type Action =
  | { readonly kind: 'submit'; readonly submission: Submission }
  | { readonly kind: 'set'; readonly unit: UnitName; readonly desired: DesiredState }
  | { readonly kind: 'destroy'; readonly unit: UnitName };

/** How the units of a run look; drawn once. */
export interface Tastes {
  readonly unitNames: readonly UnitName[];
  /** How many units do something odd: fail, end by themselves, take long, are unusable. */
  readonly oddShare: number;
  readonly metadata: readonly string[];
}

/** Names that tell what kind of unit goes by them. */
const families: Readonly<Record<string, readonly string[]>> = {
  plain: ['web@1', 'web@2', 'web@3', 'api', 'db', 'cache'],
  oneshot: ['job@1', 'job@2'],
  global: ['mon', 'log'],
  follower: ['db-side', 'db-side-side', 'web@1-side'],
  loner: ['lone@1', 'lone@2', 'lone@3'],
  replacer: ['swap'],
  single: ['solo@1', 'solo@2'],
};

/** Draws the units that a run plays with. */
export function drawTastes(random: Random, metadata: readonly string[]): Tastes {
  const names = Object.values(families).flatMap((family) => random.some(family, 0.6));
  return {
    unitNames: [...new Set([...names, 'db', 'web@1'])].map(named),
    oddShare: random.pick([0, 0.2, 0.5]),
    metadata,
  };
}

/** Draws what a user does next. */
export function drawAction(random: Random, tastes: Tastes): Action {
  const unit = random.pick(tastes.unitNames);
  const draw = random.share();
  if (draw < 0.4) return { kind: 'submit', submission: drawSubmission(random, tastes, unit) };
  if (draw < 0.85) return { kind: 'set', unit, desired: random.pick(desiredStates) };
  return { kind: 'destroy', unit };
}

/** Does it; the outcome in a word, or the code of the trouble that was in the way. */
export async function perform(
  catalog: Catalog,
  action: Action,
  signal: AbortSignal,
): Promise<string> {
  try {
    if (action.kind === 'submit') return await catalog.submit(action.submission, signal);
    if (action.kind === 'destroy') return await catalog.destroy(action.unit, signal);
    return await catalog.setDesired(action.unit, action.desired, signal);
  } catch (error) {
    if (!(error instanceof FleetError)) throw error;
    return error.trouble.code;
  }
}

/** The action in words. */
export function actionWords(action: Action): string {
  if (action.kind === 'destroy') return `destroy ${action.unit}`;
  if (action.kind === 'set') return `set ${action.unit} ${action.desired}`;
  const { name, desired, contentHash, text } = action.submission;
  const short = text.replaceAll('\n', ' ');
  return `submit ${name} ${desired} ${contentHash.slice(0, 7)}: ${short}`;
}

function drawSubmission(random: Random, tastes: Tastes, unit: UnitName): Submission {
  const text = `${lines(random, tastes, unit).join('\n')}\n`;
  const desired = random.chance(0.7) ? 'launched' : random.pick(desiredStates);
  const submission = validateUnit(unit, { text, options: null }, desired);
  if (!submission.ok) throw new Error(`${submission.error.message} in:\n${text}`);
  return submission.value;
}

function lines(random: Random, tastes: Tastes, unit: UnitName): string[] {
  const isOdd = random.chance(tastes.oddShare);
  const content = random.between(1, 4); // so that the same content comes again
  const comment = random.between(1, 2); // which changes the bytes, not the unit
  const isSingle = drawSingle(random, unit);
  return [
    `# ${comment}`,
    '[Service]',
    ...(unit.startsWith('job@') ? ['Type=oneshot'] : []),
    ...(isOdd && random.chance(0.3) ? ['Restart=on-failure'] : []),
    ...(isOdd && random.chance(0.1) ? ['BadSetting'].map((bad) => `Environment=${bad}=1`) : []),
    ...(isSingle ? ['TimeoutStopSec=2'] : []),
    `ExecStart=/sim content=${content}${isOdd ? drawOddness(random) : ''}`,
    '[X-Fleet]',
    ...(isSingle ? ['OnPartition=stop'] : []),
    ...wishes(random, tastes, unit),
  ];
}

/** Whether it must never run on two machines. */
function drawSingle(random: Random, unit: UnitName): boolean {
  if (unit.startsWith('solo@')) return true;
  const isSometimes = /^(cache|db|job@|lone@)/.test(unit);
  return isSometimes && random.chance(0.2);
}

function drawOddness(random: Random): string {
  const start = random.chance(0.2) ? ' start=failed' : '';
  const startMs = random.chance(0.5) ? ` startMs=${random.pick([10, 300, 5_000, 40_000])}` : '';
  const stopMs = random.chance(0.5) ? ` stopMs=${random.pick([10, 500, 8_000])}` : '';
  const exit = random.chance(0.5) ? ' exit=failed' : '';
  const life = random.chance(0.5) ? ` lifeMs=${random.pick([5, 2_000, 60_000])}${exit}` : '';
  return `${start}${startMs}${stopMs}${life}`;
}

function wishes(random: Random, tastes: Tastes, unit: UnitName): string[] {
  const metadata =
    tastes.metadata.length > 0 && random.chance(0.3)
      ? [`MachineMetadata=${random.pick(tastes.metadata)}`]
      : [];
  if (unit === 'mon.service') return ['Global=true', ...metadata];
  if (unit === 'log.service') return random.chance(0.5) ? ['Global=true'] : metadata;
  if (unit.includes('-side')) return [`MachineOf=${unit.replace('-side', '')}`];
  if (unit.startsWith('lone@')) return ['Conflicts=lone@*.service', ...metadata];
  if (unit === 'swap.service') return ['Replaces=cache.service'];
  if (unit === 'api.service' && random.chance(0.5)) return ['Conflicts=web@*.service'];
  return metadata;
}
