import assert from 'node:assert/strict';
import { request as httpRequest } from 'node:http';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { FastifyInstance } from 'fastify';
import { listen } from '../../../src/http/server.ts';
import { apiServers, TOKEN, WITH_TOKEN } from './support.ts';

const NDJSON = 'application/x-ndjson';
const TYPES = [
  'application/json',
  NDJSON,
  'application/json; charset=utf-16',
  'application/json;',
  'application/problem+json',
  'text/plain',
  'application/x-www-form-urlencoded',
  'multipart/form-data',
  'application/octet-stream',
  '/',
  'json',
];
const DEEP = 50_000;

/** Bodies that are no JSON, or JSON that a parser or a schema may stumble over. */
const ODD: Record<string, string | Buffer> = {
  empty: '',
  'white space': ' \r\n\t ',
  'half an object': '{"users":',
  'a word': 'nul',
  'a comma too many': '{"users":{},}',
  'single quotes': "{'users':{}}",
  'a byte order mark': '\ufeff{"users":{"ids":["1"]}}',
  'UTF-16': Buffer.from('\ufeff{"kind":"user","id":"1"}\n', 'utf16le'),
  'bytes that are no UTF-8': Buffer.from([0x22, 0xff, 0xfe, 0x80, 0xc0, 0xaf, 0x22]),
  'an id of such bytes': Buffer.concat([
    Buffer.from('{"users":{"ids":["'),
    Buffer.from([0xf5, 0xed]),
    Buffer.from('"]}}'),
  ]),
  'a NUL': '{"users":{"ids":["1\\u0000"]},"labels":["\\u0000"]}',
  'bare NULs': '\0'.repeat(1_000),
  'half a character': '{"labels":["\\ud800"],"users":{"logins":["\\udfff"]}}',
  'a number without end': `{"users":{"ids":[${'9'.repeat(5_000)}]}}`,
  'an infinite number': '{"users":{"ids":[1e999,-1e999]},"limit":1e400}',
  'numbers beyond exactness': '{"users":{"ids":[9007199254740993,-0,0.1e-400]}}',
  'deep lists': '['.repeat(DEEP) + ']'.repeat(DEEP),
  'deep objects': `${'{"users":'.repeat(5_000)}1${'}'.repeat(5_000)}`,
  'lists that do not end': '['.repeat(60_000),
  'keys of prototypes': '{"__proto__":{"admin":true},"constructor":{"prototype":{"admin":true}}}',
  'such keys within': '{"users":{"__proto__":{"ids":["1"]},"ids":["x"]}}',
  'a key twice': '{"users":{"ids":["x"]},"users":{"ids":["y"]}}',
  'a list for an object': '[]',
  'lists of lists': '{"users":[[["1"]]],"games":{"ids":{"0":"1","length":1}},"labels":{}}',
  'more than a body may hold': `{"labels":["${'x'.repeat(1_100_000)}"]}`,
  'too many ids': JSON.stringify({ users: { ids: Array.from({ length: 10_001 }, (_, i) => String(i)) } }),
  'lines that are bad': '{"kind":"user"}\n{}\n[]\n"user"\n{"kind":"x","id":"1"}\n{"kind":"user","id":"__proto__"}\n',
  'lines of prototypes': '{"__proto__":{"kind":"user","id":"1"}}\n',
  'a form': 'users=1&users[ids][]=1&__proto__[x]=1',
};

const QUERIES = [
  'limit=1&limit=2',
  'kind=user&kind=game',
  'limit=1e9',
  'limit=0x10',
  'limit=',
  'limit=99999999999999999999999',
  'limit=NaN',
  'limit[]=1',
  'after=user:1&after=game:1',
  'after=%00',
  'after=user%3A__proto__',
  'before=99999999999999999-0',
  'before=9999999999999999-9999999999999999',
  'after=9999999999999999-9999999999999999',
  'label=%ff%fe',
  'label=%ED%A0%80',
  'label=a&label=b',
  'state=__proto__',
  'game=constructor',
  'game=1&game=2',
  'user=a&user=b',
  'user=%00',
  '__proto__=1',
  'constructor[prototype]=1',
  '%',
  `label=${'x'.repeat(5_000)}`,
  '&&&===',
];

interface Route {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  path: string;
}

async function routesOf(app: FastifyInstance): Promise<Route[]> {
  const { paths } = (await app.inject('/openapi.json')).json();
  return (
    Object.entries(paths as Record<string, object>)
      .flatMap(([path, methods]) =>
        Object.keys(methods).map((method) => ({ path, method: method.toUpperCase() as 'GET' })),
      )
      // It has no end.
      .filter(({ path }) => !path.endsWith('/live'))
  );
}

describe('the HTTP API: whatever is sent to any of its routes', () => {
  const serve = apiServers();
  /** Else it is soon too much from one address. */
  let calls = 0;
  const address = () => `10.1.${(calls >> 8) & 255}.${calls++ & 255}`;

  async function started() {
    const { app, store } = await serve({ temporal: true });
    await store.targets.add('user', ['1', '2']);
    await store.targets.labels.set('user', ['2'], ['vip']);
    const all = async () => (await app.inject('/api/v1/targets/export')).body;
    let before = await all();

    /** Sends it. Whatever is refused is a problem, and has changed nothing. */
    async function send(
      { method, path }: Route,
      sent: { id?: string; kind?: string; query?: string; type?: string; body?: string | Buffer; what: string },
    ): Promise<number> {
      const { id = '1', kind = 'user', query = '', type, body, what } = sent;
      const url = `${path
        .replace('{kind}', kind)
        .replace('{id}', id)
        .replace(/\{\w+\}/, id)}?${query}`;
      const answer = await app.inject({
        method,
        url,
        remoteAddress: address(),
        headers: { ...WITH_TOKEN, ...(type !== undefined && { 'content-type': type }) },
        ...(method !== 'GET' && body !== undefined && { payload: body }),
      });
      const where = `${method} ${url.slice(0, 200)}, ${what}: ${answer.statusCode} ${answer.body.slice(0, 300)}`;
      assert.ok(answer.statusCode < 500, where);
      const now = await all();
      if (answer.statusCode >= 400) {
        assert.match(String(answer.headers['content-type']), /^application\/problem\+json/, where);
        const { status, detail } = answer.json();
        assert.deepEqual([status, typeof detail === 'string' && detail !== ''], [answer.statusCode, true], where);
        assert.ok(detail.length < 5_000, `${where}: ${detail.length} characters`);
        assert.equal(now, before, `${where}: something was changed`);
      }
      before = now;
      return answer.statusCode;
    }
    return { app, store, send, routes: await routesOf(app) };
  }

  it('by way of bodies that are none', async () => {
    const { send, routes } = await started();
    const changes = routes.filter(({ method }) => method !== 'GET');
    assert.ok(changes.length >= 9);
    for (const route of changes) {
      for (const [what, body] of Object.entries(ODD)) {
        for (const type of ['application/json', NDJSON]) await send(route, { body, type, what: `${what} as ${type}` });
      }
      for (const type of TYPES) await send(route, { body: '{"users":{"ids":["x"]}}', type, what: type });
    }
    assert.equal(({} as { admin?: boolean }).admin, undefined);
  });

  it('by way of addresses and queries', async () => {
    const { send, routes } = await started();
    for (const route of routes) {
      for (const query of QUERIES) await send(route, { query, what: 'query', type: 'application/json', body: '{}' });
      if (!route.path.includes('{')) continue;
      for (const id of ['__proto__', '..', '%2e%2e', '%00', '%', 'x'.repeat(200), '%ED%A0%80', '*', '1%0d%0aX: y']) {
        await send(route, { id, what: 'id' });
        await send(route, { kind: id, what: 'kind' });
      }
    }
  });

  it('at random', async () => {
    const { send, routes } = await started();
    const text = fc.oneof(
      fc.string(),
      fc.string({ unit: 'binary' }),
      fc.constantFrom('1', '-1', 'user:1', '1e9', '%', '\ud800', '__proto__'),
    );
    const values = fc.oneof(fc.jsonValue(), fc.array(text, { maxLength: 5 }), text, fc.constant(null));
    const body = fc.oneof(
      fc.jsonValue().map((value) => JSON.stringify(value)),
      fc
        .dictionary(fc.constantFrom('users', 'games', 'labels', 'note', '__proto__'), values)
        .map((value) => JSON.stringify(value)),
      fc
        .record({ users: fc.dictionary(fc.constantFrom('ids', 'logins', 'urls', 'x'), values) })
        .map((value) => JSON.stringify(value)),
      fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
    );
    const names = ['kind', 'state', 'label', 'after', 'before', 'limit', 'game', 'user', 'x'];
    const query = fc
      .array(fc.tuple(fc.constantFrom(...names), text), { maxLength: 4 })
      .map((pairs) =>
        String(new URLSearchParams(pairs.map(([name, value]): [string, string] => [name, value.toWellFormed()]))),
      );
    const request = fc.record({
      route: fc.constantFrom(...routes),
      kind: fc.constantFrom('user', 'game', 'x'),
      id: text.map((id) => encodeURIComponent(id.toWellFormed())),
      query,
      body,
      type: fc.constantFrom(...TYPES),
    });
    await fc.assert(
      fc.asyncProperty(request, async ({ route, ...sent }) => void (await send(route, { ...sent, what: 'random' }))),
      { numRuns: 500 },
    );
  });

  it('by way of headers that come twice', async () => {
    const { app, store } = await started();
    const port = Number(new URL(await listen(app, '127.0.0.1', 0)).port);
    /** @param lines of the head, each as it stands there */
    const raw = (lines: [name: string, value: string][], body: string) =>
      new Promise<{ status: number; type: string }>((resolve, reject) => {
        const headers = [...lines, ['host', 'localhost'], ['content-length', String(body.length)]].flat();
        const options = { port, method: 'POST', path: '/api/v1/targets/add', headers, localAddress: '127.0.0.7' };
        httpRequest(options as object, (answer) => {
          answer.resume().on('end', () => {
            resolve({ status: answer.statusCode ?? 0, type: String(answer.headers['content-type']) });
          });
        })
          .on('error', reject)
          .end(body);
      });
    const auth = ['authorization', `Bearer ${TOKEN}`] as [string, string];
    const json = ['content-type', 'application/json'] as [string, string];
    const body = '{"users":{"ids":["77"]}}';
    for (const [lines, status] of [
      [[['authorization', 'Bearer x'], auth, json], 401],
      [[auth, json, ['content-type', 'text/plain']], 200],
      [[auth, ['content-type', 'text/plain'], json], 400],
      [[auth, json, ['idempotency-key', 'a'], ['idempotency-key', 'b']], 400],
      [[auth, json, ['idempotency-key', 'é']], 400],
      [[auth, json, ['origin', 'https://a.example'], ['origin', 'https://example.org']], 200],
      [[auth, json, ['cookie', 'stream-poller-session=x'], ['cookie', 'stream-poller-session=y; __proto__=1']], 200],
    ] as [[string, string][], number][]) {
      const answer = await raw(lines, body);
      const where = JSON.stringify(lines);
      assert.equal(answer.status, status, where);
      if (status >= 400) assert.match(answer.type, /^application\/problem\+json/, where);
    }
    assert.deepEqual(await store.targets.list('user', undefined, 10), ['1', '2', '77']);
  });

  it('or to a form of the pages', async () => {
    const { app, send: _, store } = await started();
    const own = { 'sec-fetch-site': 'same-origin' };
    const form = 'application/x-www-form-urlencoded';
    const post = (url: string, payload: string | Buffer, type: string, headers = {}) =>
      app.inject({
        method: 'POST',
        url,
        payload,
        remoteAddress: address(),
        headers: { ...own, ...headers, 'content-type': type },
      });
    const signedIn = await post('/sign-in', `token=${TOKEN}`, form);
    const cookie = String(signedIn.headers['set-cookie']).split(';')[0];
    const fields = [
      'user=x',
      'user=9&labels=%00',
      'user=9&labels=%ff',
      'user[]=9',
      'entries=%ED%A0%80',
      'token=%00',
      '%',
    ];
    for (const url of ['/targets/preview', '/targets/add', '/targets/remove', '/sign-in', '/sign-out']) {
      for (const [what, payload] of [...Object.entries(ODD), ...fields.map((field) => [field, field] as const)]) {
        for (const type of [form, 'application/json', 'text/plain', NDJSON]) {
          const answer = await post(url, payload, type, { cookie });
          const where = `${url}, ${what} as ${type}: ${answer.statusCode} ${answer.body.slice(0, 2_000)}`;
          assert.ok(answer.statusCode < 500, where);
          if (answer.statusCode !== 303) assert.match(String(answer.headers['content-type']), /^text\/html/, where);
        }
      }
    }
    assert.deepEqual(await store.targets.list('user', undefined, 10), ['1', '2']);
  });
});
