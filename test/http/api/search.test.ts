import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { NOON, stream, TestPoll } from '../../storage/support.ts';
import { apiServers } from './support.ts';

describe('the HTTP API: finding live streams', () => {
  const serve = apiServers();

  it('finds them by user id, by login, and by how a login begins, page by page', async () => {
    const { store, call } = await serve();
    const poll = await TestPoll.open(store, NOON);
    const logins = { 31: 'PixelPanda', 32: 'pixelfox', 33: 'pixel', 34: 'mossyotter', 35: '31', 36: '' };
    const streams = Object.entries(logins).map(([id, userLogin]) => ({ ...stream(`s${id}`, id, NOON), userLogin }));
    await poll.announce({ streams });
    const found = async (query: string) => {
      const { status, body } = await call('GET', `/streams?${query}`);
      assert.equal(status, 200, JSON.stringify(body));
      assert.equal(body.live, 6);
      return { ids: body.streams.map(({ userId }: { userId: string }) => userId), next: body.next };
    };
    assert.deepEqual((await found('user=34')).ids, ['34']);
    assert.deepEqual((await found('user=99')).ids, []);
    assert.deepEqual((await found('login=PIXEL')).ids, ['33']);
    assert.deepEqual((await found('login=31')).ids, ['35'], 'a login may look like an id');
    const first = await found('search=Pix&limit=2');
    assert.deepEqual(first.ids, ['33', '32']);
    const second = await found(`search=Pix&limit=2&after=${first.next}`);
    assert.deepEqual([second.ids, second.next], [['31'], undefined]);
    assert.deepEqual((await found('search=nobody')).ids, []);
  });

  it('finds one that went live a moment ago, and passes over what can not be read', async () => {
    const { store, call } = await serve();
    const poll = await TestPoll.open(store, NOON);
    await store.connection.hset(store.keys.live, '66', 'nonsense', '67', '{}\n{broken');
    await poll.announce({ streams: [{ ...stream('a', '1'), userLogin: 'early_bird' }] });
    const found = async () => (await call('GET', '/streams?search=early')).body.streams.length;
    assert.equal(await found(), 1);
    await poll.announce({ streams: [{ ...stream('b', '2'), userLogin: 'early_riser' }] });
    const deadline = Date.now() + 10_000;
    while ((await found()) < 2) assert.ok(Date.now() < deadline);
  });

  it('says what it expects', async () => {
    const { call } = await serve();
    for (const [query, expected] of [
      ['search=', /search: expected letters/],
      ['login=a%20b', /login: expected letters/],
      [`search=${'x'.repeat(26)}`, /search: expected letters/],
      ['user=a:b', /user: expected the id/],
      ['user=1&login=x', /expected at most one of game, user, login, search/],
      ['search=a&after=nonsense', /after: expected `next`/],
    ] as const) {
      const { status, body } = await call('GET', `/streams?${query}`);
      assert.equal(status, 400, query);
      assert.match(body.detail, expected);
    }
  });
});
