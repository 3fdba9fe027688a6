import type { MachineBody, UnitBody, UnitStateBody } from '../api/schema.ts';
import { byText } from '../lib/order.ts';
import { fail, ok, type Result } from '../lib/result.ts';
import { MachineNames, shortMachine } from './machine-names.ts';
import { unfitLines } from './verdict.ts';

/** A machine, and how to get there. */
export interface Place {
  readonly id: string;
  /** `1111abcd.../10.0.0.1` */
  readonly name: string;
  readonly address: string;
}

/** Why something is nowhere: the first line says it, the others tell more. */
export interface Nowhere {
  readonly lines: readonly string[];
  readonly hint: string;
}

/** What the API says of one unit. */
export interface UnitPicture {
  readonly unit: UnitBody;
  readonly states: readonly UnitStateBody[];
  readonly machines: readonly MachineBody[];
}

/** The one machine whose id begins so; an id as tables show it will do. null: there is none. */
export function machineNamed(
  text: string,
  machines: readonly MachineBody[],
): Result<Place | null, Nowhere> {
  const prefix = text.replace(/\.\.\.(\/.*)?$/, '').toLowerCase();
  if (prefix === '') return ok(null);
  const found = machines.filter(({ id }) => id.startsWith(prefix));
  const [first, ...others] = found;
  if (first === undefined) return ok(null);
  if (others.length === 0) return placeOf(first.id, machines);
  const ids = found.map(({ id }) => id).sort(byText);
  return fail({
    lines: [`${found.length} machines have an id that begins with ${prefix}`],
    hint: `type more of it: ${ids.slice(0, 5).join(', ')}${ids.length > 5 ? ', …' : ''}`,
  });
}

/** Where a unit is: on one machine; a global one, or one that is leaving, perhaps on several. */
export function placesOf(picture: UnitPicture): Result<readonly Place[], Nowhere> {
  const { unit, states, machines } = picture;
  const rows = states.filter(({ name }) => name === unit.name).map(({ machineID }) => machineID);
  const ids = unit.machineID === undefined ? [...new Set(rows)].sort(byText) : [unit.machineID];
  if (ids.length === 0) return fail(whyNowhere(unit));
  const places: Place[] = [];
  for (const id of ids) {
    const place = placeOf(id, machines);
    if (place.ok) places.push(place.value);
    else if (ids.length === 1) return fail(withUnit(unit.name, place.error));
  }
  return ok(places);
}

function withUnit(name: string, { lines, hint }: Nowhere): Nowhere {
  return { lines: lines.map((line) => `${name}: ${line}`), hint };
}

function placeOf(id: string, machines: readonly MachineBody[]): Result<Place, Nowhere> {
  const machine = machines.find((candidate) => candidate.id === id);
  if (machine === undefined) {
    return fail({
      lines: [`its machine ${shortMachine(id)} is not there now`],
      hint: 'fleetctl list-machines shows those that are; is it off, or cut off?',
    });
  }
  if (machine.primaryIP === '') {
    return fail({
      lines: [`machine ${shortMachine(id)} has told no address`],
      hint: 'set public_ip in its fleet.conf',
    });
  }
  const name = new MachineNames(machines).full(id);
  return ok({ id, name, address: machine.primaryIP });
}

function whyNowhere(unit: UnitBody): Nowhere {
  const { name, desiredState, placement } = unit;
  if (/@\.[a-z]+$/.test(name)) {
    const hint = `name an instance, such as ${name.replace('@.', '@1.')}`;
    return { lines: [`${name} is a template: only its instances run`], hint };
  }
  if (desiredState === 'inactive') {
    const hint = `fleetctl start ${name} places and starts it`;
    return { lines: [`${name} is on no machine: it is stored only`], hint };
  }
  const listed = 'fleetctl list-unit-files shows what is wanted, list-machines what there is';
  if (unit.global) return { lines: [`${name} is global, and on no machine yet`], hint: listed };
  // fleet 1.0 and a cluster without a leader say nothing of a placement.
  if (!placement) return { lines: [`${name} is on no machine yet`], hint: listed };
  const { objections, reason } = placement;
  const lines = objections.length === 0 ? [`${name}: ${reason}`] : unfitLines(name, objections);
  return {
    lines,
    hint: `it starts once a machine fits; fleetctl status -o json ${name} tells all`,
  };
}
