import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import { cleanText } from '../../src/twitch/text.ts';
import { eventually } from '../support/services.ts';
import { startApp, type TestApp } from './app.ts';

const MEGABYTE = 1_000_000;
/** What a title or a login may hold: any code unit, alone or not, what terminals and JSON know, and megabytes. */
const hostileText = fc.oneof(
  { weight: 4, arbitrary: fc.array(fc.nat(0xffff), { maxLength: 300 }).map((units) => String.fromCharCode(...units)) },
  { weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: 700 }) },
  {
    weight: 2,
    arbitrary: fc
      .array(fc.constantFrom(...'\0\t\r\n\x1b\x7f\x85\u2028\u202e\u2066"\\{}[]%'), { maxLength: 200 })
      .map((all) => all.join('')),
  },
  fc.constantFrom(
    '\ud83d',
    'x\udc00x',
    '\0',
    '\x1b[2J\x1b[31m',
    '\u202egnp.exe',
    '{"id":"1"}',
    "');redis.call('FLUSHALL')--",
  ),
  fc.constantFrom(
    'x'.repeat(MEGABYTE),
    '日'.repeat(MEGABYTE / 4),
    '\ud83d'.repeat(MEGABYTE / 10),
    '\0'.repeat(MEGABYTE / 10),
  ),
);

describe('hostile content', { timeout: 120_000 }, () => {
  let app: TestApp;
  before(async () => {
    app = await startApp();
  });
  after(() => app.stop());

  const arrived = (ids: string[]) =>
    eventually(() => assert.deepEqual([...app.consumer.ids].sort(), [...ids].sort()), {
      timeoutMs: 30_000,
      message: 'a message for each stream',
    });

  it('arrives made harmless, and so do its neighbours, from users and games', async (t) => {
    const { world } = app.sandbox;
    world.populate({ users: 400, games: 2 });
    const [userIds, [game = '', other = '']] = [world.userIds(400), world.gameIds(2)];
    await app.store.targets.add('user', userIds.slice(0, 200), 0);
    await app.store.targets.add('game', [game], 0);
    const seed = Date.now() % 1_000_000_000;
    t.diagnostic(`seed ${seed}`);
    const texts = fc.sample(hostileText, { numRuns: 120, seed });
    const shown = userIds.map((userId, n) => {
      const text = n % 5 === 0 ? texts[n / 5] : undefined;
      // A login that is some other user's would make two of one.
      if (text !== undefined && n % 10 === 0) world.addUser({ id: userId, login: `${text.slice(0, 2_000)}${userId}` });
      const gameId = n % 3 === 0 ? other : game;
      return world.goLive({ userId, gameId, ...(text !== undefined && { title: text }) });
    });
    const watched = shown.filter(({ gameId }, n) => n < 200 || gameId === game);
    // These can be no ids: they are left out, and nothing else.
    world.goLive({ userId: userIds[1] as string, streamId: 'no\nid' });
    world.goLive({ userId: userIds[2] as string, streamId: '4'.repeat(65) });
    const good = watched.filter(({ userId }) => !userIds.slice(1, 3).includes(userId));

    const first = await app.poll();
    await arrived(good.map(({ id }) => id));
    assert.deepEqual([first.failedBatches, first.skipped, first.announced], [0, undefined, good.length]);
    assert.equal(first.incompleteBatches, 1, 'the batch with the two that can be no ids');
    const received = new Map(app.consumer.arrivals.map((one) => [one.messageId, one]));
    for (const { id, userId, userLogin, gameId, title } of good) {
      const { body, content } = received.get(id) ?? assert.fail(id);
      assert.deepEqual(
        [body.user_id, body.user_login, body.game_id, body.title],
        [userId, cleanText(userLogin, 100), gameId, cleanText(title, 500)],
      );
      assert.ok(content.length < 4_000);
      assert.doesNotMatch(new TextDecoder('utf8', { fatal: true }).decode(content), /[\p{Cc}\u202e]/u);
    }
    const second = await app.poll();
    assert.deepEqual([second.announced, second.ended, second.live], [0, 0, good.length]);
  });

  it('that the store fails over is left out alone, named, and not taken for ended', async () => {
    const { world } = app.sandbox;
    const users = ['700001', '700002', '700003'];
    await app.store.targets.add('user', users, 0);
    const before = app.consumer.ids.length;
    const [bad, ...others] = users.map((userId) => world.goLive({ userId }).id);
    const mark = app.store.keys.mark(bad as string);
    await app.store.connection.lpush(mark, 'not a mark');
    const report = await app.poll();
    assert.deepEqual([report.skipped, report.failedBatches, report.announced], [1, 0, 2]);
    assert.match(report.problems.join(), new RegExp(`stream ${bad} of user 700001 was skipped: .*WRONGTYPE`));
    await app.store.connection.del(mark);
    assert.equal((await app.poll()).announced, 1, 'as soon as the store can take it');
    await eventually(() => assert.deepEqual(app.consumer.ids.slice(before).sort(), [...others, bad].sort()));
  });
});

describe('an answer that is too large', { timeout: 120_000 }, () => {
  let app: TestApp;
  before(async () => {
    app = await startApp();
  });
  after(() => app.stop());

  it('is asked for again with fewer users at a time, so that all of them arrive', async () => {
    const { world } = app.sandbox;
    world.populate({ users: 100 });
    const users = world.userIds(100);
    await app.store.targets.add('user', users, 0);
    const title = 'x'.repeat(400_000);
    const ids = users.map((userId) => world.goLive({ userId, title }).id);
    const report = await app.poll();
    assert.deepEqual(report.failedRequests, { too_large: 1 });
    assert.deepEqual([report.announced, report.failedBatches, report.refused], [100, 0, 0]);
    await eventually(() => assert.deepEqual([...app.consumer.ids].sort(), [...ids].sort()));
    assert.ok(app.consumer.arrivals.every(({ body }) => body.title === 'x'.repeat(500)));
  });
});
