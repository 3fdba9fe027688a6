import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { MachinePageBody, UnitPageBody, UnitStatePageBody } from '../../src/api/schema.ts';
import { type Api, createApi } from '../../src/api/server.ts';
import { ask } from '../builders/api-requests.ts';
import { captureLog } from '../builders/api-server.ts';
import {
  aName,
  aReport,
  aSubmission,
  type Daemon,
  type LedgerSubject,
  never,
  TestCluster,
} from './ledger-subject.ts';

type Body = Partial<UnitPageBody & UnitStatePageBody & MachinePageBody>;

/** What must hold of walks through the API's pages on every store. */
export function pagesContract(name: string, open: () => Promise<LedgerSubject>): void {
  describe(`the pages contract on ${name}`, () => {
    let subject: LedgerSubject;
    let cluster: TestCluster;
    let number = 0;
    beforeAll(async () => {
      subject = await open();
    });
    afterAll(() => subject.stop());
    beforeEach(() => {
      cluster = new TestCluster(subject, `/pages-${number++}`);
    });
    afterEach(() => cluster.stop());
    const parts = () => ({ subject, cluster });

    walkTests(parts);
    compactionTests(parts);
  });
}

type Parts = () => { readonly subject: LedgerSubject; readonly cluster: TestCluster };

async function serve(daemon: Daemon): Promise<Api> {
  return createApi({ catalog: daemon.catalog, log: captureLog().log, version: '1' });
}

/** Walks all pages, with `change` after each; gives the rows of each page. */
async function walk(
  api: Api,
  path: string,
  rowOf: (body: Body) => readonly string[],
  change: (pageNumber: number) => Promise<void>,
): Promise<readonly (readonly string[])[]> {
  const pages: (readonly string[])[] = [];
  for (let token: string | undefined = ''; token !== undefined; ) {
    const answer = await ask(api, 'GET', `${path}${token && `&nextPageToken=${token}`}`);
    expect(answer.status).toBe(200);
    const body = answer.body as Body;
    pages.push(rowOf(body));
    token = body.nextPageToken;
    await change(pages.length);
  }
  return pages;
}

function names(count: number, from = 0): readonly string[] {
  return Array.from({ length: count }, (_none, index) => `u${from + index}.service`).sort();
}

function walkTests(parts: Parts): void {
  test('units that come, go and change during a walk are neither skipped nor repeated', async () => {
    const { cluster } = parts();
    const daemon = await cluster.join('1');
    const { catalog } = daemon;
    const there = names(40, 100);
    for (const name of there) await cluster.done(catalog.submit(aSubmission(name), never));
    const pages = await walk(
      await serve(daemon),
      '/units?limit=7',
      ({ units = [] }) => units.map(({ name, desiredState }) => `${name} ${desiredState}`),
      async (page) => {
        const other = aSubmission(`u1${page}5x.service`);
        await cluster.done(catalog.submit(other, never)); // one more, before and behind
        await cluster.done(catalog.destroy(aName(there[page * 5] ?? ''), never));
        await cluster.done(catalog.setDesired(aName(there[39 - page] ?? ''), 'inactive', never));
        const text = `[Service]\nExecStart=/bin/echo ${page}\n`;
        await cluster.done(catalog.submit(aSubmission(there[page * 6] ?? '', text), never));
      },
    );
    expect(pages.map((page) => page.length)).toEqual([7, 7, 7, 7, 7, 5]);
    expect(pages.flat()).toEqual(there.map((name) => `${name} launched`));
  });

  test('a hundred units by name are what each of them is by itself', async () => {
    const { cluster } = parts();
    const [one, two] = [await cluster.join('1'), await cluster.join('2')];
    const there = names(90, 100);
    for (const name of there) {
      // Two texts, each of many units.
      const text = `[Service]\nExecStart=/bin/echo ${name.length % 2}\n`;
      await cluster.done(one.catalog.submit(aSubmission(name, text), never));
    }
    const [first = '', second = ''] = there;
    await cluster.done(one.catalog.destroy(aName(first), never));
    for (const daemon of [one, two]) {
      const { identity } =
        (await cluster.done(one.catalog.readUnit(aName(second), never)))?.record ?? {};
      const report = { ...aReport('active'), ...(identity === undefined ? {} : { identity }) };
      const reports = new Map([[aName(second), report]]);
      await cluster.done(daemon.ledger.report(reports, never));
    }
    const asked = [...there].reverse().map(aName);
    const named = { names: [...asked, aName('none.service')], isBrief: false };
    const units = await cluster.done(one.catalog.readUnitsNamed(named, never));
    expect(units.map(({ name }) => name)).toEqual(asked.filter((name) => name !== first));
    const alone = await cluster.done(one.catalog.readUnit(aName(second), never));
    expect(alone?.reports.map(({ machine }) => machine)).toEqual(['1', '2']);
    expect(units.at(-1)).toEqual(alone);
    const page = { start: null, limitCount: 100 };
    const listed = await cluster.done(one.catalog.readUnits(page, never));
    expect([...units].reverse()).toEqual(listed.items);
  });

  test('states that come and go during a walk are neither skipped nor repeated', async () => {
    const { cluster } = parts();
    const machines = [await cluster.join('1'), await cluster.join('2')] as const;
    const [one, two] = machines;
    const rows = names(15, 10);
    for (const daemon of machines) {
      const reports = new Map(rows.map((name) => [aName(name), aReport('active')]));
      await cluster.done(daemon.ledger.report(reports, never));
    }
    const pages = await walk(
      await serve(one),
      '/state?limit=4',
      ({ states = [] }) => states.map((row) => `${row.machineID} ${row.name}`),
      async (page) => {
        const gone = aName(rows[page * 2] ?? '');
        const reports = new Map([
          [gone, null],
          [aName(`u${page}new.service`), aReport('failed')],
        ]);
        for (const daemon of [one, two]) await cluster.done(daemon.ledger.report(reports, never));
      },
    );
    expect(pages.map((page) => page.length)).toEqual([4, 4, 4, 4, 4, 4, 4, 2]);
    expect(pages.flat()).toEqual(['1', '2'].flatMap((id) => rows.map((name) => `${id} ${name}`)));
  });

  test('a page of states may take several readings of the store, at one revision', async () => {
    const { cluster } = parts();
    const daemon = await cluster.join('1');
    const rows = names(2_300, 10_000);
    const reports = rows.map((name) => [aName(name), aReport('active')] as const);
    await cluster.done(daemon.ledger.report(new Map(reports), never));
    // Confirmations are not shown, so that what was read is less than it seemed.
    const gone = { ...aReport('inactive'), current: 'gone' as const };
    const hidden = rows.slice(500, 600);
    await cluster.done(
      daemon.ledger.report(new Map(hidden.map((name) => [aName(name), gone])), never),
    );
    const shown = rows.filter((name) => !hidden.includes(name));
    const api = await serve(daemon);
    const walked = (limit: number) =>
      walk(
        api,
        `/state?limit=${limit}`,
        ({ states = [] }) => states.map(({ name }) => name),
        async () => undefined,
      );
    expect(await walked(9_999)).toEqual([shown]);
    expect((await walked(2_000)).map((page) => page.length)).toEqual([2_000, 200]);
    expect((await walked(2_200)).flat()).toEqual(shown);
  });

  test('a machine that joins or changes during a walk is neither skipped nor repeated', async () => {
    const { cluster } = parts();
    const first = await cluster.join('3');
    for (const id of ['5', '7']) await cluster.join(id);
    const pages = await walk(
      await serve(first),
      '/machines?limit=1',
      ({ machines = [] }) => machines.map(({ id, metadata }) => `${id} ${metadata['rack']}`),
      async (page) => {
        await cluster.join(String(page * 2));
        const change = { machine: '7' as Daemon['self']['id'], key: 'rack', value: 'moved' };
        await cluster.done(first.catalog.changeMetadata([change], never));
      },
    );
    expect(pages.flat()).toEqual(['3 3', '5 5', '7 7']);
  });
}

function compactionTests(parts: Parts): void {
  test('a page whose revision was compacted is answered with 410', async () => {
    const { cluster, subject } = parts();
    const daemon = await cluster.join('1');
    for (const name of names(4)) {
      await cluster.done(daemon.catalog.submit(aSubmission(name), never));
    }
    const api = await serve(daemon);
    const first = (await ask(api, 'GET', '/units?limit=2')).body as UnitPageBody;
    const later = aSubmission('later.service');
    await cluster.done(daemon.catalog.submit(later, never));
    const page = await cluster.done(
      daemon.catalog.readUnits({ start: null, limitCount: 1 }, never),
    );
    await subject.compact(page.revision);
    const answer = await ask(api, 'GET', `/units?nextPageToken=${first.nextPageToken}`);
    expect(answer).toMatchObject({
      status: 410,
      body: { error: { code: 410, hint: 'start again without nextPageToken=' } },
    });
  });

  test('a page of a revision that the store never had is answered with 410', async () => {
    const { cluster } = parts();
    const daemon = await cluster.join('1');
    const api = await serve(daemon);
    const token = Buffer.from(JSON.stringify([1, 'units', '999999999', 'a', 10]));
    const path = `/units?nextPageToken=${token.toString('base64url')}`;
    expect((await ask(api, 'GET', path)).status).toBe(410);
  });
}
