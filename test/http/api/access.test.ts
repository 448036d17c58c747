import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { apiServers, TOKEN, WITH_TOKEN } from './support.ts';

describe('the HTTP API: access and form', () => {
  const serve = apiServers();

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
});
