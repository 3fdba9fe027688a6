import {
  apiRoot,
  type ErrorBody,
  type JoiningBody,
  type MachineBody,
  type MemberBody,
  type NoticeBody,
  type PostStoreBody,
  type PutUnitBody,
  pageItemsMax,
  type StoreBody,
  stateItemsMax,
  type UnitBody,
  type UnitStateBody,
  unitNamesMax,
} from '../api/schema.ts';
import { FleetError } from '../lib/error.ts';
import type { NoticeKind } from '../model/notice.ts';
import type { UnitName } from '../unitfile/unit-name.ts';
import { limits } from './limits.ts';
import {
  completeMachine,
  completeState,
  completeUnit,
  isComplete,
  optionsOf,
  type PlainUnitBody,
} from './original-unit.ts';
import { type ApiAnswer, type ApiRequest, notFleetd } from './transport.ts';
import { Transports, type TransportsOptions } from './transports.ts';

/** Told of each request, for `--debug`. */
export type RequestTrace = (line: string) => void;

/**
 * fleet's API from the client's side. Throws FleetError: `api/unreachable` when nobody, or something
 * else, answers; `api/refused` with fleetd's own words.
 */
export class FleetClient {
  readonly #transport: Transports;
  readonly #trace: RequestTrace;

  constructor(options: TransportsOptions, trace: RequestTrace = () => undefined) {
    this.#transport = new Transports(options);
    this.#trace = trace;
  }

  /** null: there is no such unit. */
  async getUnit(name: UnitName): Promise<UnitBody | null> {
    const answer = await this.#send({ method: 'GET', path: unitPath(name) });
    if (this.#isMissing(answer)) return null;
    const body = this.#read(answer);
    if (body['name'] !== name) throw notFleetd(this.#transport.endpoint, 'it answers with no unit');
    const unit = body as object as PlainUnitBody; // fleetd's word for it
    return isComplete(unit) ? unit : completeUnit(unit, await this.listStates(name));
  }

  /** Those of these units that there are: a request a hundred, however many others there are. */
  async getUnits(
    names: readonly UnitName[],
    content: 'whole' | 'brief',
  ): Promise<ReadonlyMap<UnitName, UnitBody>> {
    const units = new Map<UnitName, UnitBody>();
    const wanted = new Map<string, UnitName>(names.map((name) => [name, name]));
    for (let start = 0; start < names.length; start += unitNamesMax) {
      const some = names.slice(start, start + unitNamesMax);
      const asked = new Set<string>(some);
      const found = await this.#units({ ...contentFilter(content), names: some.join(',') });
      for (const unit of found) {
        const name = wanted.get(unit.name);
        if (name !== undefined) units.set(name, unit);
      }
      // A fleetd that does not know `names` has answered with all there are.
      if (found.some(({ name }) => !asked.has(name))) break;
    }
    return units;
  }

  /** `brief`: without texts and options, which is much faster where there are many. */
  listUnits(content: 'whole' | 'brief'): Promise<readonly UnitBody[]> {
    return this.#units(contentFilter(content));
  }

  /** What machines say of all units, or of one. */
  async listStates(unit: UnitName | null = null): Promise<readonly UnitStateBody[]> {
    const filter = unit === null ? {} : { unitName: unit };
    return (await this.#walk<Partial<UnitStateBody>>('states', filter)).map(completeState);
  }

  async listMachines(): Promise<readonly MachineBody[]> {
    return (await this.#walk<Partial<MachineBody>>('machines', {})).map(completeMachine);
  }

  /** Every machine ever seen and not forgotten. */
  listMembers(): Promise<readonly MemberBody[]> {
    return this.#walk<MemberBody>('members', {});
  }

  async forgetMember(id: string): Promise<void> {
    const answer = await this.#send({ method: 'DELETE', path: `${apiRoot}/members/${id}` });
    if (answer.status !== 204) this.#read(answer);
  }

  async endBrake(): Promise<'ended' | 'off'> {
    const answer = await this.#send({ method: 'DELETE', path: `${apiRoot}/brake` });
    if (this.#isMissing(answer)) return 'off';
    if (answer.status !== 204) this.#read(answer);
    return 'ended';
  }

  /** Conditions of the cluster but for those kinds; fleet 1.0 has no such path, and none is told. */
  async listNotices(except: readonly NoticeKind[] = []): Promise<readonly NoticeBody[]> {
    const query =
      except.length === 0 ? '' : `?${new URLSearchParams({ except: except.join(',') })}`;
    const answer = await this.#get(`${apiRoot}/notices${query}`);
    const notices: unknown = parseObject(answer.text)?.['notices'];
    if (answer.status !== 200 || !Array.isArray(notices)) return [];
    const left = new Set<string>(except); // an older fleetd tells them all the same
    return notices.filter(isNotice).filter(({ kind }) => !left.has(kind));
  }

  /** A text also goes as options: the fleetd of fleet 1.0 knows nothing else. */
  async putUnit(name: UnitName, asked: PutUnitBody): Promise<void> {
    const body = asked.text === undefined ? asked : { ...asked, options: optionsOf(asked.text) };
    const answer = await this.#send({ method: 'PUT', path: unitPath(name), body });
    if (answer.status !== 201 && answer.status !== 204) this.#read(answer);
  }

  async destroyUnit(name: UnitName): Promise<'destroyed' | 'missing'> {
    const answer = await this.#send({ method: 'DELETE', path: unitPath(name) });
    if (this.#isMissing(answer)) return 'missing';
    if (answer.status !== 204) this.#read(answer);
    return 'destroyed';
  }

  /** Whether the store is that of the cluster of the machine that is asked. */
  async getStore(): Promise<StoreBody> {
    return this.#read(
      await this.#send({ method: 'GET', path: `${apiRoot}/store` }),
    ) as object as StoreBody;
  }

  /** What a machine must be told to become part of the cluster. */
  async getJoining(): Promise<JoiningBody> {
    return this.#read(
      await this.#send({ method: 'GET', path: `${apiRoot}/joining` }),
    ) as object as JoiningBody;
  }

  async postStore(action: PostStoreBody['action']): Promise<StoreBody> {
    const body: PostStoreBody = { action };
    const answer = await this.#send({ method: 'POST', path: `${apiRoot}/store`, body });
    return this.#read(answer) as object as StoreBody;
  }

  /** Asks for an orphan to be taken down; `missing` when there is none there. */
  async removeOrphan(name: UnitName, machineId: string): Promise<'asked' | 'missing'> {
    const query = new URLSearchParams({ machineID: machineId });
    const path = `${apiRoot}/orphans/${encodeURIComponent(name)}?${query}`;
    const answer = await this.#send({ method: 'DELETE', path });
    if (this.#isMissing(answer)) return 'missing';
    if (answer.status !== 204) this.#read(answer);
    return 'asked';
  }

  close(): void {
    this.#transport.close();
  }

  async #units(filter: Readonly<Record<string, string>>): Promise<readonly UnitBody[]> {
    const found = await this.#walk<PlainUnitBody>('units', filter);
    if (found.every(isComplete)) return found;
    const states = Map.groupBy(await this.listStates(), ({ name }) => name);
    return found.map((unit) => completeUnit(unit, states.get(unit.name)));
  }

  /** All pages of a listing; from the start again when the store forgot the revision meanwhile. */
  async #walk<T>(
    collection: Collection,
    filter: Readonly<Record<string, string>>,
  ): Promise<readonly T[]> {
    for (let tryCount = 1; ; tryCount += 1) {
      try {
        return await this.#walkOnce<T>(collection, filter);
      } catch (error) {
        const isStale = error instanceof ApiRefusal && error.status === 410;
        if (!isStale || tryCount >= limits.walkTriesMax) throw error;
      }
    }
  }

  async #walkOnce<T>(
    collection: Collection,
    filter: Readonly<Record<string, string>>,
  ): Promise<readonly T[]> {
    const items: T[] = [];
    const resource = collection === 'states' ? 'state' : collection;
    const pathOf = (token: object): string => {
      const limit = String(collection === 'states' ? stateItemsMax : pageItemsMax);
      const query = new URLSearchParams({ ...filter, limit, ...token });
      return `${apiRoot}/${resource}?${query}`;
    };
    let asked: Promise<ApiAnswer> | null = this.#get(pathOf({}));
    while (asked !== null) {
      const answer: ApiAnswer = await asked;
      // fleetd gets on with the next page while this one is read.
      const early = answer.nextPath === null ? null : this.#get(answer.nextPath);
      early?.catch(() => 'told when its turn comes, if it does');
      const page = this.#read(answer);
      const found: unknown = page[collection] ?? (isEmpty(page) ? [] : null);
      if (!Array.isArray(found)) {
        throw notFleetd(this.#transport.endpoint, `its answer has no "${collection}"`);
      }
      for (const item of found) items.push(item as T);
      const token: unknown = page['nextPageToken'];
      const path = typeof token === 'string' ? pathOf({ nextPageToken: token }) : null;
      asked = early ?? (path === null ? null : this.#get(path));
    }
    return items;
  }

  #get(path: string): Promise<ApiAnswer> {
    return this.#send({ method: 'GET', path });
  }

  async #send(request: ApiRequest): Promise<ApiAnswer> {
    const startMs = performance.now();
    const answer = await this.#transport.send(request);
    const tookMs = Math.round(performance.now() - startMs);
    this.#trace(`${request.method} ${request.path}: ${answer.status} in ${tookMs} ms`);
    return answer;
  }

  /** fleetd's own "there is none": another server's 404 says nothing about units. */
  #isMissing(answer: ApiAnswer): boolean {
    if (answer.status !== 404) return false;
    if (refusalIn(parseObject(answer.text)) === null) this.#read(answer); // throws: no fleetd
    return true;
  }

  #read({ status, text }: ApiAnswer): Readonly<Record<string, unknown>> {
    const body = parseObject(text);
    if (status === 200 && body !== null) return body;
    const error = refusalIn(body);
    if (error !== null) throw new ApiRefusal(status, error);
    const what = body === null ? 'it does not answer in JSON' : 'its answer is of another kind';
    throw notFleetd(this.#transport.endpoint, `${what} (HTTP ${status})`);
  }
}

type Collection = 'units' | 'states' | 'machines' | 'members';

/** fleetd said no, and why. */
export class ApiRefusal extends FleetError {
  readonly status: number;
  constructor(status: number, { message, hint }: ErrorBody['error']) {
    super(message, {
      code: 'api/refused',
      retry: status === 503 ? 'soon' : 'never',
      hint: hint ?? 'look at the journal of fleetd: journalctl -u fleet',
    });
    this.status = status;
  }
}

function refusalIn(body: object | null): ErrorBody['error'] | null {
  const error = (body as Partial<ErrorBody> | null)?.error;
  return typeof error?.message === 'string' ? error : null;
}

function isNotice(item: unknown): item is NoticeBody {
  const { text, hint } = (item ?? {}) as Partial<NoticeBody>;
  return typeof text === 'string' && typeof hint === 'string';
}

/** The fleetd of fleet 1.0 leaves out a list that is empty. */
function isEmpty(page: object): boolean {
  return Object.keys(page).every((key) => key === 'nextPageToken');
}

function contentFilter(content: 'whole' | 'brief'): Readonly<Record<string, string>> {
  return content === 'brief' ? { brief: 'true' } : {};
}

function unitPath(name: UnitName): string {
  return `${apiRoot}/units/${encodeURIComponent(name)}`;
}

function parseObject(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const body: unknown = JSON.parse(text);
    return typeof body === 'object' && body !== null ? { ...body } : null;
  } catch {
    return null; // not JSON: the caller says so
  }
}
