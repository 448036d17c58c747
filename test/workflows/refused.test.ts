import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { withApp } from './app.ts';

describe('ids that Twitch refuses', { timeout: 120_000 }, () => {
  it('cost themselves alone, from the first poll on, and are tried again rarely', () =>
    withApp(async (app) => {
      const { faults, world } = app.sandbox;
      const { targets } = app.store;
      world.populate({ users: 250 });
      const users = world.userIds(250);
      await targets.add('user', users, 0);
      const streams = users.map((userId) => world.goLive({ userId }));
      const refused = [users[3], users[160], users[161]] as string[];
      const fault = faults.add({ kind: 'refusedIds', ids: refused });

      const first = await app.poll();
      const others = streams.filter(({ userId }) => !refused.includes(userId));
      assert.deepEqual([...app.consumer.ids].sort(), others.map(({ id }) => id).sort(), 'the neighbours, all of them');
      assert.deepEqual([first.refused, first.failedBatches, first.incompleteBatches], [3, 0, 0]);
      assert.equal(first.lastCompleteAt, first.startedAt, 'complete for all that can be polled');
      assert.match(first.problems.join(), new RegExp(`Twitch refuses user ${refused[0]}: .*"user_id" was malformed`));

      const second = await app.poll();
      assert.deepEqual([second.requests, second.refused, second.targets], [3, 3, 247], 'nothing is spent on them');
      assert.deepEqual((await targets.refused.list('user')).map(({ id }) => id).sort(), [...refused].sort());

      // Their time comes: one request each.
      for (const { id, ...known } of await targets.refused.list('user')) {
        await app.store.connection.hset(app.store.keys.refused('user'), id, JSON.stringify({ ...known, retryAtMs: 1 }));
      }
      const third = await app.poll();
      assert.deepEqual([third.requests, third.refused, third.failedBatches], [6, 3, 0]);
      assert.ok((await targets.refused.list('user')).every(({ tries }) => tries === 2));

      fault.remove();
      const [back] = refused;
      await targets.add('user', [back as string], 0);
      const fourth = await app.poll();
      assert.deepEqual([fourth.refused, fourth.announced], [2, 1], 'added again: tried again at once');
    }));

  it('are not blamed when Twitch refuses everything', () =>
    withApp(async (app) => {
      const { faults, world } = app.sandbox;
      world.populate({ users: 1_000 });
      const users = world.userIds(1_000);
      await app.store.targets.add('user', users, 0);
      const stream = world.goLive({ userId: users[500] as string });
      const fault = faults.add({ kind: 'status', status: 400, match: { endpoint: 'streams' } });
      const refused = await app.poll();
      assert.deepEqual([refused.refused, refused.failedBatches, refused.requests], [0, 10, 150]);
      assert.equal(await app.store.targets.refused.count('user'), 0);
      fault.remove();
      const next = await app.poll();
      assert.deepEqual([next.failedBatches, app.consumer.ids], [0, [stream.id]]);
    }));

  it('of games too, beside games that have pages', () =>
    withApp(async (app) => {
      const { faults, world } = app.sandbox;
      world.populate({ users: 300, games: 5 });
      const games = world.gameIds(5);
      await app.store.targets.add('game', games, 0);
      const users = world.userIds(300);
      for (const [i, userId] of users.entries()) world.goLive({ userId, gameId: games[i % 4] as string });
      faults.add({ kind: 'refusedIds', ids: [games[4] as string] });
      const first = await app.poll();
      assert.deepEqual([first.refused, first.announced, first.incompleteBatches], [1, 300, 0]);
      for (const userId of users) world.end(userId);
      await app.poll();
      assert.equal((await app.poll()).live, 0, 'the batch that was bisected counts as complete');
    }));
});
