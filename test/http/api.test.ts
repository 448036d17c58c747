import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { createClient } from '@hey-api/openapi-ts';
import fc from 'fast-check';
import type { InjectOptions } from 'fastify';
import { pino } from 'pino';
import { Secret } from '../../src/config/secret.ts';
import { api } from '../../src/http/api/index.ts';
import { createHttpServer, listen } from '../../src/http/server.ts';
import type { StreamEvent } from '../../src/poll/model.ts';
import { newReport } from '../../src/poll/report.ts';
import { applySchedule } from '../../src/temporal/schedule/actions.ts';
import { scheduleService, storeProblemOf, targetsService } from '../../src/worker/apiServices.ts';
import { freshNamespace } from '../cli/harness.ts';
import { emptyStores, iso, NOON, stream, TestPoll } from '../storage/support.ts';
import { sandboxAndClient } from '../twitch/support.ts';

const ROOT = join(import.meta.dirname, '../..');
const TOKEN = 'correct-horse-battery-staple';
const WITH_TOKEN = { authorization: `Bearer ${TOKEN}` };

describe('the HTTP API', () => {
  const newStore = emptyStores();

  async function serve({ reads = 'open' as 'open' | 'token', token = TOKEN, temporal = false } = {}) {
    const { sandbox, client } = await sandboxAndClient();
    const store = newStore();
    const lines: string[] = [];
    const namespace = temporal ? await freshNamespace() : undefined;
    const parts = { store, twitch: client, temporal: () => namespace?.client, instance: 'stream-poller' };
    const app = createHttpServer(pino({ level: 'silent' }));
    await app.register(api, {
      reads,
      allowedOrigins: ['https://example.org'],
      adminToken: token ? new Secret(token) : undefined,
      logger: pino({ level: 'info' }, { write: (line: string) => void lines.push(line) }),
      explain: storeProblemOf(parts, 'redis://store'),
      targets: targetsService(parts),
      streams: store.streams,
      schedule: scheduleService(parts),
      polls: store.polls,
      replies: store.replies,
      announcements: store.feed,
    });
    after(() => app.close());
    const call = async (
      method: InjectOptions['method'],
      path: string,
      payload?: object,
      headers: object = WITH_TOKEN,
    ) => {
      const answer = await app.inject({
        method: method as 'GET',
        url: `/api/v1${path}`,
        headers: { ...headers },
        ...(payload && { payload }),
      });
      return { status: answer.statusCode, type: answer.headers['content-type'], body: answer.body && answer.json() };
    };
    return { app, store, sandbox, lines, call, client: namespace?.client };
  }

  it('adds and removes targets one by one, again and again without harm', async () => {
    const { store, call, lines } = await serve();
    assert.deepEqual((await call('PUT', '/targets/user/141981764')).body, { added: true });
    assert.deepEqual((await call('PUT', '/targets/user/141981764')).body, { added: false });
    assert.deepEqual(await store.targets.list('user', undefined, 10), ['141981764']);
    const { body } = await call('GET', '/targets/user/141981764');
    assert.deepEqual([body.kind, body.id], ['user', '141981764']);
    assert.ok(Math.abs(Date.parse(body.addedAt) - Date.now()) < 60_000);
    assert.deepEqual((await call('DELETE', '/targets/user/141981764')).body, { removed: true });
    assert.deepEqual((await call('DELETE', '/targets/user/141981764')).body, { removed: false });
    assert.equal((await call('GET', '/targets/user/141981764')).status, 404);
    assert.equal(lines.length, 4);
    assert.ok(lines.every((line) => !line.includes(TOKEN) && line.includes('"from":"127.0.0.1"')));
  });

  it('adds many by id, login, address of the channel and name of the game, and tells what became of each', async () => {
    const { store, sandbox, call } = await serve();
    sandbox.world.addUser({ id: '501', login: 'pixelpanda' });
    sandbox.world.addUser({ id: '502', login: 'mossyotter' });
    sandbox.world.addGame({ id: '901', name: 'Slow Chess' });
    await store.targets.add('user', ['503']);
    const wanted = {
      users: {
        ids: ['503', '504', '504'],
        logins: ['PixelPanda', 'nobody_here'],
        urls: ['https://www.twitch.tv/mossyotter?tt=1', 'twitch.tv/pixelpanda'],
      },
      games: { names: ['slow chess'] },
    };
    const { status, body } = await call('POST', '/targets/add', wanted);
    assert.equal(status, 200, JSON.stringify(body));
    const shown = (some: { kind: string; id: string }[]) => some.map(({ kind, id }) => `${kind}:${id}`).sort();
    assert.deepEqual(shown(body.changed), ['game:901', 'user:501', 'user:502', 'user:504']);
    assert.deepEqual([shown(body.unchanged), body.unknown], [['user:503'], ['nobody_here']]);
    assert.deepEqual(await store.targets.list('user', undefined, 10), ['501', '502', '503', '504']);
    const removed = await call('POST', '/targets/remove', wanted);
    assert.deepEqual(shown(removed.body.changed), ['game:901', 'user:501', 'user:502', 'user:503', 'user:504']);
    assert.equal(await store.targets.count('user'), 0);
  });

  it('takes ten thousand in a call, and no more', async () => {
    const { store, call } = await serve();
    const ids = Array.from({ length: 10_000 }, (_, i) => `${100_000_000 + i}`);
    assert.equal((await call('POST', '/targets/add', { users: { ids } })).body.changed.length, 10_000);
    assert.equal(await store.targets.count('user'), 10_000);
    const tooMany = await call('POST', '/targets/add', { users: { ids }, games: { ids: ['1'] } });
    assert.deepEqual([tooMany.status, tooMany.body.detail], [400, 'body: expected at most 10000 targets in one call']);
  });

  it('changes nothing when names can not be looked up, and says why', async () => {
    const { store, sandbox, call } = await serve();
    sandbox.faults.add({ kind: 'status', status: 503, match: { endpoint: 'users' } });
    const { status, type, body } = await call('POST', '/targets/add', {
      users: { ids: ['7'], logins: ['pixelpanda'] },
    });
    assert.deepEqual([status, type], [502, 'application/problem+json']);
    assert.match(body.detail, /^the names could not be looked up; nothing was changed: /);
    assert.equal(await store.targets.count('user'), 0);
  });

  it('lists targets page by page, with what is known of each, and by state', async () => {
    const { store, call } = await serve();
    const poll = await TestPoll.open(store, NOON);
    await poll.announce({ streams: [stream('s1', '12'), stream('s2', '17')] });
    await store.targets.add('user', ['11', '13', '14', '15', '16']);
    await store.targets.add('game', ['21', '22']);
    await store.targets.refused.note('user', [{ id: '13', reason: 'Bad Identifiers.' }], [], NOON);
    for (const nowMs of [NOON, NOON + 3_600_000]) await store.targets.gone.note(['16'], new Set(), nowMs);

    const seen: string[] = [];
    let [pages, after] = [0, ''];
    do {
      const { body } = await call('GET', `/targets?limit=2${after && `&after=${after}`}`);
      assert.deepEqual(body.counts, { user: 7, game: 2 });
      seen.push(...body.targets.map(({ kind, id }: { kind: string; id: string }) => `${kind}:${id}`));
      after = body.next ?? '';
      pages += 1;
    } while (after);
    assert.deepEqual(
      seen,
      ['11', '12', '13', '14', '15', '16', '17'].map((id) => `user:${id}`).concat('game:21', 'game:22'),
    );
    assert.equal(pages, 5);

    for (let limit = 1; limit <= 10; limit++) {
      const all: string[] = [];
      for (let next: string | undefined = ''; next !== undefined; ) {
        const { body } = await call('GET', `/targets?limit=${limit}${next && `&after=${next}`}`);
        all.push(...body.targets.map(({ kind, id }: { kind: string; id: string }) => `${kind}:${id}`));
        next = body.next;
      }
      assert.deepEqual(all, seen, `pages of ${limit}`);
    }

    const of = async (query: string) => (await call('GET', `/targets?${query}`)).body.targets;
    const [live] = await of('state=live&limit=1000');
    assert.deepEqual([live.id, live.live.streamId, live.live.seenAt], ['12', 's1', new Date(NOON).toISOString()]);
    const [refused, ...noMore] = await of('state=refused');
    assert.deepEqual([refused.id, refused.refused.reason, noMore], ['13', 'Bad Identifiers.', []]);
    assert.deepEqual(
      (await of('state=gone')).map(({ id }: { id: string }) => id),
      ['16'],
    );
    assert.deepEqual(await of('kind=game&state=gone'), []);
  });

  it('lists live streams page by page, by game too', async () => {
    const { store, call } = await serve();
    const poll = await TestPoll.open(store, NOON);
    const streams = ['a', 'b', 'c', 'd'].map((id, i) => stream(id, `${30 + i}`, NOON, i < 3 ? 'g:1' : ''));
    await poll.announce({ streams });
    const first = (await call('GET', '/streams?limit=3')).body;
    assert.deepEqual(
      [first.live, first.streams.map(({ userId }: { userId: string }) => userId)],
      [4, ['33', '30', '31']],
    );
    const second = (await call('GET', `/streams?limit=3&after=${first.next}`)).body;
    assert.deepEqual(
      [second.streams.map(({ streamId }: { streamId: string }) => streamId), second.next],
      [['c'], undefined],
    );
    assert.equal((await call('GET', '/streams?game=none')).body.streams.length, 0);
    assert.equal((await call('GET', '/streams?after=nonsense')).status, 400);
  });

  it('gives targets labels, which stay with them until others take their place', async () => {
    const { store, call } = await serve();
    await call('PUT', '/targets/user/1', { labels: ['vip', 'Zoë’s channel', 'vip'] });
    await call('POST', '/targets/add', { users: { ids: ['1', '2'] }, games: { ids: ['9'] }, labels: ['customer 7'] });
    await call('PUT', '/targets/user/2');
    const of = async (path: string) => (await call('GET', path)).body;
    assert.deepEqual((await of('/targets/user/1')).labels, ['customer 7']);
    assert.deepEqual((await of('/targets?label=customer%207')).targets.length, 3);
    assert.deepEqual((await of('/targets?label=vip')).targets, []);
    assert.deepEqual(
      await store.targets.labels.ofStreams([
        { userId: '2', gameId: '9' },
        { userId: '3', gameId: '' },
      ]),
      [['customer 7'], []],
    );
    await call('PUT', '/targets/user/2', { labels: [] });
    assert.equal((await of('/targets/user/2')).labels, undefined);
    await call('DELETE', '/targets/user/1');
    await call('PUT', '/targets/user/1');
    assert.equal((await of('/targets/user/1')).labels, undefined);
    // Whatever stands there: no event waits for it.
    await store.connection.hset(store.keys.labels('user'), '3', 'nonsense', '4', '{"a":1}');
    assert.deepEqual([...(await store.targets.labels.of('user', ['3', '4'])).values()], [[], []]);
    for (const wrong of [
      [''],
      [' x'],
      ['a\nb'],
      ['\ud800'],
      Array(11)
        .fill('x')
        .map((x, i) => x + i),
    ]) {
      assert.equal((await call('PUT', '/targets/user/1', { labels: wrong })).status, 400, JSON.stringify(wrong));
    }
  });

  it('exports all targets as a file that it takes back, to add or to replace', async () => {
    const { app, store, call } = await serve();
    const ids = Array.from({ length: 12_000 }, (_, i) => `${200_000 + i}`);
    await store.targets.add('user', ids);
    await store.targets.add('game', ['33']);
    await store.targets.labels.set('user', ['200007'], ['vip']);
    const file = (await app.inject('/api/v1/targets/export')).body;
    assert.equal(file.trimEnd().split('\n').length, 12_001);
    const send = async (method: 'POST' | 'PUT', url: string, payload: string) => {
      const headers = { ...WITH_TOKEN, 'content-type': 'application/x-ndjson' };
      const answer = await app.inject({ method, url: `/api/v1${url}`, headers, payload });
      return { status: answer.statusCode, body: answer.json() };
    };
    await call('POST', '/targets/remove', { users: { ids: ids.slice(0, 10) } });
    await store.targets.add('user', ['77']);
    assert.deepEqual((await send('POST', '/targets/import', file)).body, {
      lines: 12_001,
      added: 10,
      bad: 0,
      firstBad: [],
    });
    assert.deepEqual(await store.targets.labels.of('user', ['200007', '200008']), new Map([['200007', ['vip']]]));
    assert.equal(await store.targets.count('user'), 12_001);
    assert.deepEqual((await send('PUT', '/targets', file)).body, { added: 0, removed: 1 });
    assert.equal((await app.inject('/api/v1/targets/export')).body, file);

    const spoilt = '{"kind":"user","id":"1"}\nnonsense\n\n{"kind":"user","id":"pixelpanda"}\n{"kind":"user","id":"2"}';
    const replaced = await send('PUT', '/targets', spoilt);
    assert.match(replaced.body.detail, /^nothing was changed; line 2: expected a JSON object/);
    assert.equal((await send('PUT', '/targets', '')).status, 400);
    assert.equal(await store.targets.count('user'), 12_000);
    const { body } = await send('POST', '/targets/import', spoilt);
    assert.deepEqual([body.lines, body.added, body.bad], [5, 2, 2]);
    assert.deepEqual(
      body.firstBad.map(({ line }: { line: number }) => line),
      [2, 4],
    );
    assert.match(body.firstBad[1].expected, /^id: expected an id of Twitch/);
  });

  it('tells what has become of announcements, page by page', async () => {
    const { store, call } = await serve();
    const events = ['a', 'b', 'c'].map(
      (id): StreamEvent => ({ ...stream(id, `u${id}`), reason: 'started', detectedAt: iso(NOON) }),
    );
    const [a, b, c] = events as [StreamEvent, StreamEvent, StreamEvent];
    await store.feed.note('claimed', [a]);
    await store.feed.note('claimed', [b]);
    await store.feed.note('announced', [a]);
    await store.streams.markAnnounced(['a']);
    await store.feed.note('claimed', [c]);
    await store.feed.note('waiting', [c]);
    const seen: string[] = [];
    let before = '';
    do {
      const { body } = await call('GET', `/announcements?limit=2${before && `&before=${before}`}`);
      seen.push(...body.announcements.map(({ streamId, state }: Record<string, string>) => `${streamId} ${state}`));
      before = body.next ?? '';
    } while (before);
    assert.deepEqual(seen, ['c waiting', 'a announced', 'b claimed']);
  });

  it('lists reports of polls', async () => {
    const { store, call } = await serve();
    for (const id of ['a', 'b', 'c']) await store.polls.keepReport({ ...newReport(id, NOON), live: 7 });
    const { body } = await call('GET', '/polls?limit=2');
    assert.deepEqual(
      body.polls.map(({ pollId, live }: { pollId: string; live: number }) => [pollId, live]),
      [
        ['c', 7],
        ['b', 7],
      ],
    );
  });

  it('sends announcements as they come, and goes on where a client has left off', async () => {
    const { app, store } = await serve();
    const event = (id: string): StreamEvent => ({ ...stream(id, `u${id}`), reason: 'started', detectedAt: iso(NOON) });
    const url = await listen(app, '127.0.0.1', 0);
    /** Reads events until so many have come. */
    const follow = async (count: number, meanwhile: () => Promise<void>, headers = {}) => {
      const leaving = new AbortController();
      const answer = await fetch(`${url}/api/v1/announcements/live`, { headers, signal: leaving.signal });
      assert.match(answer.headers.get('content-type') ?? '', /^text\/event-stream/);
      await meanwhile();
      let text = '';
      for await (const chunk of answer.body ?? []) {
        text += Buffer.from(chunk).toString();
        if (text.split('event: announcement').length > count) break;
      }
      leaving.abort();
      return [...text.matchAll(/^id: (.*)\nevent: announcement\ndata: (.*)$/gm)].map(([, id, data = '']) => ({
        id: id ?? '',
        streamId: JSON.parse(data).streamId as string,
      }));
    };
    await store.feed.note('announced', [event('before')]);
    const [first, second] = await follow(2, async () => {
      await store.feed.note('claimed', [event('one')]);
      await store.feed.note('announced', [event('one')]);
    });
    assert.deepEqual([first?.streamId, second?.streamId], ['one', 'one']);
    for (const id of ['two', 'three']) await store.feed.note('announced', [event(id)]);
    const missed = await follow(3, () => store.feed.note('announced', [event('four')]), { 'last-event-id': first?.id });
    assert.deepEqual(missed.map(({ streamId }) => streamId).slice(0, 3), ['one', 'two', 'three']);
    const startedMs = performance.now();
    await Promise.all([follow(9, async () => void (await app.close())).catch(() => undefined)]);
    assert.ok(performance.now() - startedMs < 5_000, 'a page that follows does not hold up the end');
  });

  it('shows the schedule, pauses, resumes and triggers it, and says what is missing', async () => {
    const without = await serve();
    assert.deepEqual([(await without.call('GET', '/schedule')).status], [503]);
    const { call, client } = await serve({ temporal: true });
    assert.match((await call('GET', '/schedule')).body.detail, /there is no schedule stream-poller; create it/);
    assert.ok(client);
    await applySchedule(client, { intervalSeconds: 3_600 });
    assert.equal((await call('POST', '/schedule/pause', { note: 'maintenance' })).status, 204);
    const paused = (await call('GET', '/schedule')).body;
    assert.deepEqual([paused.paused, paused.note, paused.intervalSeconds], [true, 'maintenance', 3_600]);
    assert.equal((await call('POST', '/schedule/resume')).status, 204);
    assert.equal((await call('GET', '/schedule')).body.paused, false);
    assert.equal((await call('POST', '/schedule/trigger')).body.state, 'started');
    assert.equal((await call('GET', '/schedule')).body.runs.length, 1);
  });

  it('carries out a request with an Idempotency-Key once', async () => {
    const { app, store } = await serve();
    const send = async (key: string, ids: string[]) => {
      const headers = { ...WITH_TOKEN, 'idempotency-key': key };
      const answer = await app.inject({
        method: 'POST',
        url: '/api/v1/targets/add',
        headers,
        payload: { users: { ids } },
      });
      return { status: answer.statusCode, replayed: answer.headers['idempotency-replayed'], body: answer.json() };
    };
    const first = await send('job-1', ['1', '2']);
    assert.equal(first.body.changed.length, 2);
    await store.targets.remove('user', ['1']);
    assert.deepEqual(await send('job-1', ['1', '2']), { ...first, replayed: 'true' });
    assert.equal(await store.targets.count('user'), 1);
    assert.deepEqual((await send('job-1', ['3'])).status, 422);
    assert.equal((await send('job-2', ['x'])).status, 400);
    assert.equal((await send('job-2', ['3'])).body.changed.length, 1);
    assert.equal((await send('job 3', ['3'])).status, 400);
    await store.replies.take('job-4');
    assert.equal((await send('job-4', ['4'])).status, 409);
  });

  it('is changed by who has the token alone', async () => {
    const { app, store, call } = await serve();
    for (const headers of [{}, { authorization: `Bearer ${TOKEN}x` }, { authorization: `Basic ${TOKEN}` }]) {
      const answer = await call('PUT', '/targets/user/1', undefined, headers);
      assert.deepEqual([answer.status, answer.body.status, answer.body.type], [401, 401, 'about:blank']);
      assert.match(String(answer.type), /^application\/problem\+json/);
      assert.equal((await call('GET', '/targets', undefined, headers)).status, 200);
    }
    assert.equal(await store.targets.count('user'), 0);
    const { paths } = (await app.inject('/openapi.json')).json();
    for (const [path, methods] of Object.entries(paths)) {
      for (const method of Object.keys(methods as object).filter((each) => each !== 'get')) {
        const url = path.replace('{kind}', 'user').replace('{id}', '1');
        const answer = await app.inject({ method: method.toUpperCase() as 'POST', url });
        assert.equal(answer.statusCode, 401, `${method} ${path}`);
      }
    }
  });

  it('without a token has no route that changes anything, and reads can be closed', async () => {
    const { call } = await serve({ token: '' });
    const answer = await call('PUT', '/targets/user/1');
    assert.equal(answer.status, 404);
    assert.match(answer.body.detail, /Without ADMIN_TOKEN nothing can be changed by HTTP/);
    assert.equal((await call('GET', '/targets')).status, 200);
    const closed = await serve({ reads: 'token' });
    for (const path of ['/targets', '/streams', '/targets/user/1']) {
      assert.equal((await closed.call('GET', path, undefined, {})).status, 401);
    }
    assert.equal((await closed.call('GET', '/targets')).status, 200);
  });

  it('lets pages of the origins that are named use it, and no others', async () => {
    const { app } = await serve();
    const preflight = async (origin: string) =>
      app.inject({
        method: 'OPTIONS',
        url: '/api/v1/targets/user/1',
        headers: { origin, 'access-control-request-method': 'PUT', 'access-control-request-headers': 'authorization' },
      });
    const named = await preflight('https://example.org');
    assert.equal(named.headers['access-control-allow-origin'], 'https://example.org');
    assert.match(String(named.headers['access-control-allow-methods']), /PUT/);
    assert.equal((await preflight('https://example.com')).headers['access-control-allow-origin'], undefined);
  });

  it('limits how often things are changed, also by who guesses the token', async () => {
    const { call } = await serve();
    const statuses: number[] = [];
    for (let i = 0; i < 130; i++) {
      statuses.push((await call('DELETE', '/targets/user/1', undefined, { authorization: `Bearer guess${i}` })).status);
    }
    assert.deepEqual([...new Set(statuses)], [401, 429]);
    assert.equal(statuses.indexOf(429), 120);
  });

  it('names each field that is wrong, and what is expected', async () => {
    const { call } = await serve();
    const wrong: [path: string, payload: object | undefined, expected: RegExp][] = [
      [
        '/targets/add',
        { users: { ids: ['pixelpanda'] } },
        /users\.ids\.0: expected an id of Twitch, which is a number/,
      ],
      [
        '/targets/add',
        { users: { urls: ['https://example.org/x'] } },
        /users\.urls\.0: expected the address of a channel/,
      ],
      ['/targets/add', { people: {} }, /people/],
      ['/targets/add', {}, /expected at least one of users\.ids/],
      ['/schedule/pause', { note: 5 }, /note/],
    ];
    for (const [path, payload, expected] of wrong) {
      const { status, body } = await call('POST', path, payload);
      assert.equal(status, 400, `${path} ${JSON.stringify(payload)}`);
      assert.match(body.detail, expected);
    }
    assert.match((await call('GET', '/targets?limit=0')).body.detail, /limit/);
    assert.match((await call('GET', '/targets?colour=red')).body.detail, /colour/);
  });

  it('has a client that is generated from its description, as in the example of the documentation', async (t) => {
    const { app, store, sandbox } = await serve();
    for (const [i, login] of ['pixelpanda', 'mossyotter', 'dapperfalcon'].entries()) {
      sandbox.world.addUser({ id: `60${i}`, login });
    }
    const url = await listen(app, '127.0.0.1', 0);
    const dir = mkdtempSync(join(tmpdir(), 'stream-poller-api-'));
    t.after(() => rmSync(dir, { recursive: true }));
    await createClient({ input: `${url}/openapi.json`, output: join(dir, 'client'), logs: { level: 'silent' } });
    const [, example = ''] = /```ts\n(.*?)```/s.exec(readFileSync(join(ROOT, 'docs/api.md'), 'utf8')) ?? [];
    writeFileSync(join(dir, 'manager.ts'), example);
    writeFileSync(join(dir, 'package.json'), '{"type":"module"}');
    const flags = [
      '--strict',
      '--target',
      'es2024',
      '--module',
      'nodenext',
      '--skipLibCheck',
      '--outDir',
      join(dir, 'js'),
    ];
    const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
    await promisify(execFile)(process.execPath, [tsc, ...flags, 'manager.ts'], { cwd: dir });
    writeFileSync(join(dir, 'js/package.json'), '{"type":"module"}');
    const { watchFor } = await import(join(dir, 'js/manager.js'));
    assert.deepEqual(await watchFor('7', ['pixelpanda', 'mossyotter', 'nobody_here'], url, TOKEN), ['nobody_here']);
    assert.deepEqual(await store.targets.list('user', undefined, 10), ['600', '601']);
    assert.deepEqual(await watchFor('7', ['dapperfalcon', 'mossyotter'], url, TOKEN), []);
    assert.deepEqual(await store.targets.list('user', undefined, 10), ['601', '602']);
    await assert.rejects(watchFor('7', ['pixelpanda'], url, 'another-token'));
  });

  it('answers whatever is sent to any of its routes with a status below 500, and a problem where it is not understood', async () => {
    const { app } = await serve();
    const { paths } = (await app.inject('/openapi.json')).json();
    const routes = Object.entries(paths as Record<string, object>)
      .flatMap(([path, methods]) =>
        Object.keys(methods).map((method) => ({ path, method: method.toUpperCase() as 'GET' })),
      )
      .filter(({ path }) => !path.endsWith('/live') && !path.includes('/schedule'));
    const text = fc.oneof(
      fc.string(),
      fc.string({ unit: 'binary' }),
      fc.constantFrom('1', '-1', 'user:1', '1e9', '%', '\ud800'),
    );
    const values = fc.oneof(fc.jsonValue(), fc.array(text, { maxLength: 5 }), text, fc.constant(null));
    const body = fc.oneof(
      fc.jsonValue(),
      fc.dictionary(fc.constantFrom('users', 'games', 'labels', 'note', '__proto__'), values),
      fc.record({ users: fc.dictionary(fc.constantFrom('ids', 'logins', 'urls', 'x'), values) }),
    );
    const query = fc.dictionary(
      fc.constantFrom('kind', 'state', 'label', 'after', 'before', 'limit', 'game', 'x'),
      text,
    );
    const type = fc.constantFrom(
      'application/json',
      'application/x-ndjson',
      'text/plain',
      'application/x-www-form-urlencoded',
    );
    const request = fc.record({
      from: fc.ipV4(),
      route: fc.constantFrom(...routes),
      kind: fc.constantFrom('user', 'game', 'x'),
      id: text,
      query,
      body,
      type,
    });
    await fc.assert(
      fc.asyncProperty(request, async ({ from, route: { path, method }, kind, id, query, body, type }) => {
        const clean = Object.entries(query).map(([name, value]): [string, string] => [name, value.toWellFormed()]);
        const target = path.replace('{kind}', kind).replace('{id}', encodeURIComponent(id.toWellFormed()));
        const answer = await app.inject({
          method,
          url: `${target}?${new URLSearchParams(clean)}`,
          // Else it is soon too much from one.
          remoteAddress: from,
          headers: { ...WITH_TOKEN, 'content-type': type },
          ...(method !== 'GET' && { payload: JSON.stringify(body) }),
        });
        assert.ok(answer.statusCode < 500, `${method} ${target} ${answer.body}`);
        if (answer.statusCode < 400) return;
        assert.match(String(answer.headers['content-type']), /^application\/problem\+json/);
        const { status, detail } = answer.json();
        assert.deepEqual([status, typeof detail === 'string' && detail !== ''], [answer.statusCode, true]);
      }),
      { numRuns: 500 },
    );
  });

  it('describes itself', async () => {
    const { app } = await serve();
    const { openapi, paths } = (await app.inject('/openapi.json')).json();
    assert.equal(openapi, '3.1.0');
    assert.deepEqual(Object.keys(paths).sort(), [
      '/api/v1/announcements',
      '/api/v1/announcements/live',
      '/api/v1/polls',
      '/api/v1/schedule',
      '/api/v1/schedule/pause',
      '/api/v1/schedule/resume',
      '/api/v1/schedule/trigger',
      '/api/v1/streams',
      '/api/v1/targets',
      '/api/v1/targets/add',
      '/api/v1/targets/export',
      '/api/v1/targets/import',
      '/api/v1/targets/remove',
      '/api/v1/targets/{kind}/{id}',
    ]);
  });
});
