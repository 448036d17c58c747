import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { liveUsers } from '../storage/support.ts';
import { type TestApp, withApp } from './app.ts';

/** Three games with 900 streams each. */
async function watchGames(app: TestApp) {
  const { world } = app.sandbox;
  world.populate({ users: 2_700, games: 3 });
  const games = world.gameIds(3);
  await app.store.targets.add('game', games, 0);
  return world.userIds(2_700).map((userId, i) => world.goLive({ userId, gameId: games[i % 3] as string }));
}

describe('listings that break off', { timeout: 300_000 }, () => {
  it('show every stream of three games of 900 within two polls at 40 % dead cursors, and ended ones leave', () =>
    withApp(async (app) => {
      const { faults, world } = app.sandbox;
      const streams = await watchGames(app);
      const fault = faults.add({ kind: 'deadCursor', probability: 0.4 });
      const reports = [await app.poll(), await app.poll()];
      assert.ok(fault.hits > 10);
      assert.deepEqual([...app.consumer.ids].sort(), streams.map(({ id }) => id).sort(), 'each once, none missing');

      const over = streams.slice(0, 300);
      for (const { userId } of over) world.end(userId);
      for (let poll = 0; poll < 4 && reports.at(-1)?.live !== 2_400; poll++) reports.push(await app.poll());
      const left = streams.slice(300).map(({ userId }) => userId);
      assert.deepEqual(await liveUsers(app.store), left.sort());
      const ended = reports.reduce((sum, report) => sum + report.ended, 0);
      assert.equal(ended, 300, 'and no other');
      const complete = reports.filter(({ incompleteBatches }) => incompleteBatches === 0).length;
      assert.ok(complete >= reports.length - 1, `${complete} of ${reports.length} polls had complete lists`);
      assert.equal(app.consumer.ids.length, 2_700);
    }));

  it('end with a dead cursor, as Twitch ends many: that costs little, and ended streams leave', () =>
    withApp(async (app) => {
      const { faults, world } = app.sandbox;
      world.populate({ users: 200, games: 1 });
      const users = world.userIds(200);
      await app.store.targets.add('game', world.gameIds(1), 0);
      await app.store.targets.add('user', users.slice(100), 0);
      const [gameId] = world.gameIds(1);
      for (const userId of users.slice(0, 50)) world.goLive({ userId, gameId: gameId as string });
      world.goLive({ userId: users[150] as string });
      faults.add({ kind: 'deadCursor', match: { lastPage: true } });
      assert.equal((await app.poll()).requests, 1 + 3, 'unknown streams could hide behind the first end');
      assert.equal((await app.poll()).requests, 1 + 1, 'all that are known were there');
      world.end(users[0] as string);
      const [, last] = [await app.poll(), await app.poll()];
      assert.deepEqual([last.incompleteBatches, last.ended, last.live], [0, 1, 50]);
    }));

  it('are asked for in small groups: large games alone, small ones together', () =>
    withApp(async (app) => {
      const { world } = app.sandbox;
      world.populate({ users: 400, games: 30 });
      const games = world.gameIds(30);
      await app.store.targets.add('game', games, 0);
      const sorted = [...games].sort();
      const large = sorted[14] as string;
      const users = world.userIds(400);
      for (const userId of users.slice(0, 150)) world.goLive({ userId, gameId: large });
      const first = await app.poll();
      const second = await app.poll();
      assert.deepEqual([first.batches, second.batches], [3, 5], 'the large one and its neighbours are cut apart');
      assert.equal(second.live, 150);
    }));
});
