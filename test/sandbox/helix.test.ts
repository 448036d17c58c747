import assert from 'node:assert/strict';
import { test } from 'node:test';
import { idsOf, repeated, sandboxWithClient } from './harness.ts';

const { sandbox, world, helix, send, token } = await sandboxWithClient({ seed: 3 });
world.populate({ users: 1000, games: 100 });
const hundred = world.userIds(100);
const live = hundred.slice(0, 45).map((userId) => world.goLive({ userId, gameId: '509658' }));

async function allPages(query: string): Promise<string[][]> {
  const pages: string[][] = [];
  let after = '';
  do {
    const reply = await helix(`streams?${query}${after && `&after=${encodeURIComponent(after)}`}`);
    assert.equal(reply.status, 200);
    pages.push(idsOf(reply));
    after = reply.body.pagination.cursor ?? '';
  } while (after);
  return pages;
}

test('a request without `first` shows 20 of 45 live streams and a cursor', async () => {
  const { body } = await helix(`streams?${repeated('user_id', hundred)}`);
  assert.equal(body.data.length, 20);
  assert.match(body.pagination.cursor, /^[\w+/]+=*$/);
});

test('a request with first=100 shows all 45 and no cursor', async () => {
  const { body } = await helix(`streams?first=100&${repeated('user_id', hundred)}`);
  assert.equal(body.data.length, 45);
  assert.deepEqual(body.pagination, {});
});

test('the cursor leads through all pages, each stream once, by descending viewers', async () => {
  const pages = await allPages(repeated('user_id', hundred));
  assert.deepEqual(
    pages.map((page) => page.length),
    [20, 20, 5],
  );
  const viewers = new Map(live.map(({ id, viewers }) => [id, viewers]));
  const seen = pages.flat().map((id) => viewers.get(id) ?? -1);
  assert.deepEqual(
    seen,
    seen.toSorted((a, b) => b - a),
  );
  assert.deepEqual(new Set(pages.flat()), new Set(live.map(({ id }) => id)));
});

test('a stream has every field', async () => {
  const [stream] = live;
  const { body } = await helix(`streams?user_login=${stream?.userLogin}`);
  assert.deepEqual(body.data, [
    {
      id: stream?.id,
      user_id: stream?.userId,
      user_login: 'user_0',
      user_name: 'user_0',
      game_id: '509658',
      game_name: 'Just Chatting',
      type: 'live',
      title: stream?.title,
      tags: stream?.tags,
      viewer_count: stream?.viewers,
      started_at: stream?.startedAt,
      language: stream?.language,
      thumbnail_url: 'https://static-cdn.jtvnw.net/previews-ttv/live_user_user_0-{width}x{height}.jpg',
      tag_ids: [],
      is_mature: false,
    },
  ]);
  assert.match(body.data[0].started_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
});

test('streams are found by game, by language, and all of them', async () => {
  const chess = world.goLive({ userId: world.userIds(1, 500)[0] ?? '', gameId: '743', language: 'ja' });
  assert.deepEqual(idsOf(await helix('streams?game_id=743')), [chess.id]);
  assert.deepEqual((await allPages('first=100&game_id=743&game_id=509658')).flat().length, 46);
  assert.equal((await allPages('first=10')).flat().length, 46);
  assert.ok(idsOf(await helix('streams?language=ja')).includes(chess.id));
  assert.deepEqual(idsOf(await helix(`streams?user_id=${chess.userId}&game_id=509658`)), []);
  world.change(chess.userId, { gameId: '509658' });
  assert.deepEqual(idsOf(await helix('streams?game_id=743')), []);
  world.end(chess.userId);
  assert.deepEqual(idsOf(await helix(`streams?user_id=${chess.userId}`)), []);
});

test('unknown ids are absent, also when they are not numbers', async () => {
  const { status, body } = await helix('streams?user_id=nobody&user_id=1');
  assert.equal(status, 200);
  assert.deepEqual(body, { data: [], pagination: {} });
});

test('with viewer drift the order differs from request to request', async () => {
  world.viewerDrift = 0.9;
  const orders = [];
  for (let i = 0; i < 3; i++) orders.push(idsOf(await helix('streams?game_id=509658&first=100')).join());
  world.viewerDrift = 0;
  assert.ok(new Set(orders).size > 1);
});

test('what Twitch refuses with 400', async () => {
  const message = async (query: string) => {
    const { status, body } = await helix(query);
    assert.equal(status, 400);
    assert.deepEqual([body.error, body.status], ['Bad Request', 400]);
    return body.message;
  };
  const tooMany = world.userIds(101);
  for (const name of ['user_id', 'user_login', 'game_id']) {
    assert.equal(
      await message(`streams?${repeated(name, tooMany)}`),
      `The parameter "${name}" was malformed: the value must be less than or equal to 100`,
    );
  }
  assert.match(
    await message('streams?first=101'),
    /"first" was malformed: the value must be less than or equal to 100/,
  );
  assert.match(await message('streams?first=0'), /"first" was malformed/);
  assert.match(await message('streams?first=ten'), /"first" was malformed/);
  assert.match(await message('streams?type=rerun'), /"type" was malformed/);
  assert.equal(await message('streams?after=garbage'), 'Invalid cursor');
  assert.match(await message('users'), /must specify the id or login/);
  assert.match(await message('games'), /must specify the id or name or igdb_id/);
  assert.match(
    await message(`users?${repeated('id', tooMany.slice(50))}&${repeated('login', tooMany.slice(50))}`),
    /100/,
  );
});

test('users are found by id and login, also after a rename', async () => {
  world.addUser({ id: '7', login: 'PixelOtter' });
  const { body } = await helix(`users?id=7&id=404&login=user_5&login=pixelotter`);
  assert.deepEqual(
    body.data.map(({ id, login, display_name }: Record<string, string>) => [id, login, display_name]),
    [
      ['7', 'pixelotter', 'PixelOtter'],
      [world.userIds(1, 5)[0], 'user_5', 'user_5'],
    ],
  );
  world.change('7', { login: 'RustyOtter' });
  assert.deepEqual(idsOf(await helix('users?login=pixelotter')), []);
  assert.deepEqual(idsOf(await helix('users?login=rustyotter')), ['7']);
  const [sixth = ''] = world.userIds(1, 6);
  world.change(sixth, { login: 'renamed' });
  assert.deepEqual(idsOf(await helix('users?login=user_6')), []);
  assert.deepEqual(idsOf(await helix('users?login=renamed')), [sixth]);
});

test('games are found by id, name and IGDB id', async () => {
  const { body } = await helix('games?id=509658&name=chess&name=Game%207&igdb_id=121&id=404');
  assert.deepEqual(
    body.data.map(({ name }: { name: string }) => name),
    ['Just Chatting', 'Chess', 'Game 7', 'Minecraft'],
  );
  assert.deepEqual(Object.keys(body.data[0]), ['id', 'name', 'box_art_url', 'igdb_id']);
});

test('requests without the right token and client id get 401', async () => {
  const message = async (headers: Record<string, string>) => {
    const { status, body } = await helix('streams', headers);
    assert.equal(status, 401);
    assert.deepEqual([body.error, body.status], ['Unauthorized', 401]);
    return body.message;
  };
  const authorization = `Bearer ${token}`;
  assert.equal(await message({ 'client-id': sandbox.clientId }), 'OAuth token is missing');
  assert.equal(await message({ 'client-id': sandbox.clientId, authorization: 'Bearer nope' }), 'Invalid OAuth token');
  assert.equal(await message({ 'client-id': 'other', authorization }), 'Client ID and OAuth token do not match');
  assert.equal(await message({ authorization }), 'Client ID is missing');
});

test('an unknown path is 404, and the index page says what this is', async () => {
  assert.deepEqual((await send('/helix/clips')).body, { error: 'Not Found', status: 404, message: '' });
  const index = await send('/');
  assert.match(index.headers['content-type'] as string, /^text\/html/);
  assert.match(index.text, /Twitch sandbox.*POST \/sandbox\/live/s);
});
