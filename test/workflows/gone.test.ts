import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { recordHistories, type TestApp, withApp } from './app.ts';

const DAY_MS = 24 * 3_600_000;

/** Lets time pass: checks are due, and what was noted was noted long ago. */
async function daysLater({ store }: TestApp): Promise<void> {
  const { connection, keys } = store;
  await connection.hset(keys.meta, 'usersCheckedAt', Date.now() - 3 * DAY_MS);
  for (const [id, text] of Object.entries(await connection.hgetall(keys.gone))) {
    const entry = JSON.parse(text);
    await connection.hset(keys.gone, id, JSON.stringify({ ...entry, lastMs: entry.lastMs - DAY_MS }));
  }
}

describe('users that Twitch no longer knows', { timeout: 120_000 }, () => {
  it('are found by a check that most polls do without, and stay targets', () =>
    withApp(async (app) => {
      const { world, faults } = app.sandbox;
      world.populate({ users: 150 });
      const users = world.userIds(150);
      await app.store.targets.add('user', [...users, '31', '999999999'], 0);
      const stream = world.goLive({ userId: users[0] as string });
      const first = await app.poll();
      assert.deepEqual([first.requests, first.gone], [2, undefined], 'nothing is due at first');

      await daysLater(app);
      const second = await app.poll();
      assert.equal(second.requests, 2 + 2, 'two checks of 100 users');
      assert.deepEqual(await app.store.targets.gone.list(), [], 'one answer may be wrong');
      assert.equal((await app.poll()).requests, 2, 'none is due again');

      await daysLater(app);
      await app.poll();
      const gone = (await app.store.targets.gone.list()).map(({ id }) => id);
      assert.deepEqual(gone.sort(), ['31', '999999999']);
      const next = await app.poll();
      assert.deepEqual([next.gone, next.targets, next.live], [2, 152, 1]);

      // An empty answer for everybody is Twitch's fault, an outage no reason to fail a poll.
      const fault = faults.add({ kind: 'status', status: 400, match: { endpoint: 'users' } });
      await daysLater(app);
      const failing = await app.poll();
      assert.deepEqual([failing.failedBatches, failing.problems], [0, []]);
      assert.ok(fault.hits > 0);
      assert.equal((await app.store.targets.gone.list()).length, 2);
      assert.deepEqual(app.consumer.ids, [stream.id]);

      const histories = await recordHistories(app);
      const checks = histories.map(
        ({ history }) =>
          history.events.filter(
            (event) => event.activityTaskScheduledEventAttributes?.activityType.name === 'checkUsers',
          ).length,
      );
      assert.deepEqual(checks.sort(), [0, 0, 0, 2, 2, 2]);
    }));
});
