import { fail, ok, type Result } from '../lib/result.ts';
import type { Catalog } from '../model/catalog.ts';
import type { DesiredState } from '../model/unit.ts';
import { printable } from '../unitfile/problem.ts';
import { parseUnitName, type UnitName } from '../unitfile/unit-name.ts';
import { type Answer, type Refusal, refused } from './answer.ts';
import { objectionToCompany } from './circles.ts';
import { apiLimits } from './limits.ts';
import { nextPage, type Query, queryText, readPageQuery } from './page-query.ts';
import { type PutRequest, readPutBody } from './put-body.ts';
import { type UnitPageBody, unitNamesMax } from './schema.ts';
import { unitBody } from './unit-body.ts';
import { objectionToState, validateUnit } from './validate.ts';

/**
 * `GET /units`; with `brief=true` units come without text and options, with `names=` only those, in
 * one page.
 */
export async function listUnits(
  catalog: Catalog,
  request: { readonly query: Query; readonly limitDefaultCount: number },
  signal: AbortSignal,
): Promise<Answer> {
  const brief = queryText(request.query, 'brief');
  if (!brief.ok) return refused(brief.error);
  const isBrief = brief.value === 'true';
  const namesText = queryText(request.query, 'names');
  if (!namesText.ok) return refused(namesText.error);
  if (namesText.value !== null) {
    return listNamed(catalog, { texts: namesText.value.split(','), isBrief }, signal);
  }
  const listing = isBrief ? 'units, brief' : 'units';
  const asked = readPageQuery(request.query, listing, request.limitDefaultCount);
  if (!asked.ok) return refused(asked.error);
  const page = await catalog.readUnits({ ...asked.value, isBrief }, signal);
  const body: UnitPageBody = {
    units: page.items.map(unitBody),
    ...nextPage(page, listing, asked.value.limitCount),
  };
  return { status: 200, body };
}

/** What cannot be the name of a unit names none that is there. */
async function listNamed(
  catalog: Catalog,
  { texts, isBrief }: { readonly texts: readonly string[]; readonly isBrief: boolean },
  signal: AbortSignal,
): Promise<Answer> {
  if (texts.length > unitNamesMax) {
    const what = `names= has ${texts.length} names, at most ${unitNamesMax} are allowed`;
    return refused(badRequest(what, 'ask for them in several requests'));
  }
  const names = [...new Set(texts)].flatMap((text) => {
    const name = parseUnitName(text);
    return name.ok ? [name.value] : [];
  });
  const units = await catalog.readUnitsNamed({ names, isBrief }, signal);
  const body: UnitPageBody = { units: units.map(unitBody) };
  return { status: 200, body };
}

/** `GET /units/NAME`. */
export async function getUnit(
  catalog: Catalog,
  nameText: string,
  signal: AbortSignal,
): Promise<Answer> {
  const name = parseUnitName(nameText);
  const view = name.ok ? await catalog.readUnit(name.value, signal) : null;
  return view === null ? refused(noUnit(nameText)) : { status: 200, body: unitBody(view) };
}

/** `DELETE /units/NAME`. */
export async function deleteUnit(
  catalog: Catalog,
  nameText: string,
  signal: AbortSignal,
): Promise<Answer> {
  const name = parseUnitName(nameText);
  const outcome = name.ok ? await catalog.destroy(name.value, signal) : 'missing';
  return outcome === 'missing' ? refused(noUnit(nameText)) : { status: 204, body: null };
}

/** `PUT /units/NAME`: stores a unit, or changes the desired state of one. */
export async function putUnit(
  catalog: Catalog,
  request: { readonly name: string; readonly body: unknown },
  signal: AbortSignal,
): Promise<Answer> {
  const read = readPut(request.name, request.body);
  if (!read.ok) return refused(read.error);
  const { name, put } = read.value;
  if (put.isRestart) return restart(catalog, { name, put }, signal);
  return put.text === null && put.options === null
    ? changeDesired(catalog, { name, desired: put.desired }, signal)
    : submit(catalog, { name, put }, signal);
}

/** The refusal for a unit that is not there. */
export function noUnit(nameText: string): Refusal {
  return {
    status: 404,
    message: `there is no unit ${printable(nameText, apiLimits.echoLengthMax)}`,
    hint: 'fleetctl list-unit-files shows what is there',
  };
}

function readPut(
  nameText: string,
  body: unknown,
): Result<{ readonly name: UnitName; readonly put: PutRequest }, Refusal> {
  const name = parseUnitName(nameText);
  if (!name.ok) return fail(badRequest(name.error, 'rename the unit'));
  const put = readPutBody(body);
  if (!put.ok) {
    return fail(badRequest(put.error, 'send {"desiredState": …, "options": […] or "text": …}'));
  }
  if (put.value.name !== null && put.value.name !== name.value) {
    const inBody = printable(put.value.name, apiLimits.echoLengthMax);
    const what = `the body names ${inBody}, the URL ${name.value}`;
    return fail(badRequest(what, 'leave the name out of the body, or give both alike'));
  }
  return ok({ name: name.value, put: put.value });
}

async function changeDesired(
  catalog: Catalog,
  { name, desired }: { readonly name: UnitName; readonly desired: DesiredState | null },
  signal: AbortSignal,
): Promise<Answer> {
  if (desired === null) {
    const isKnown = (await catalog.readUnit(name, signal)) !== null;
    return refused(isKnown ? noState(name) : noContent(name));
  }
  const objection = objectionToState(name, desired);
  if (objection !== null) return refused(objection);
  const outcome = await catalog.setDesired(name, desired, signal);
  return outcome === 'missing' ? refused(noContent(name)) : { status: 204, body: null };
}

async function restart(
  catalog: Catalog,
  { name, put }: { readonly name: UnitName; readonly put: PutRequest },
  signal: AbortSignal,
): Promise<Answer> {
  const isAlone = put.text === null && put.options === null;
  if (!isAlone || (put.desired ?? 'launched') !== 'launched') {
    const what = 'restart: goes with desiredState launched only, and without options and text';
    return refused(badRequest(what, 'change the unit first, then restart it'));
  }
  const objection = objectionToState(name, 'launched');
  if (objection !== null) return refused(objection);
  const outcome = await catalog.restart(name, signal);
  return outcome === 'missing' ? refused(noUnit(name)) : { status: 204, body: null };
}

async function submit(
  catalog: Catalog,
  { name, put }: { readonly name: UnitName; readonly put: PutRequest },
  signal: AbortSignal,
): Promise<Answer> {
  const submission = validateUnit(name, put, put.desired ?? 'inactive');
  if (!submission.ok) return refused(submission.error);
  if (put.desired === null) {
    // As in fleet 1.0, whose `--replace` sends content alone: other content makes a new unit, which
    // is inactive, and the same content needs to say what for.
    const known = await catalog.readUnit(name, signal);
    if (known?.record.unitHash === submission.value.unitHash) return refused(noState(name));
  }
  const objection = await objectionToCompany(catalog, submission.value, signal);
  if (objection !== null) return refused(objection);
  const outcome = await catalog.submit(submission.value, signal);
  const isNew = outcome === 'created' || outcome === 'replaced';
  return { status: isNew ? 201 : 204, body: null };
}

function noContent(name: UnitName): Refusal {
  return {
    status: 409,
    message: `there is no unit ${name}, and the request brings no options to make one`,
    hint: 'send options or text with it',
  };
}

function noState(name: UnitName): Refusal {
  return {
    status: 409,
    message: `${name} is there already, and the request brings no desiredState for it`,
    hint: 'send desiredState: inactive, loaded or launched',
  };
}

function badRequest(message: string, hint: string): Refusal {
  return { status: 400, message, hint };
}
