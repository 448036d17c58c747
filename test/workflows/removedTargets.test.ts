import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { liveUsers } from '../storage/support.ts';
import { eventually } from '../support/services.ts';
import { type AppSettings, withApp } from './app.ts';

const TIERS: { name: string; settings: AppSettings; rest: number }[] = [
  { name: 'one tier', settings: {}, rest: 400 },
  // One request fits into an interval: the hot hundred, and a hundred of the dormant ones in turn.
  { name: 'two tiers', settings: { requestsPerMinute: 2 }, rest: 200 },
];

describe('a target that is removed during a poll', { timeout: 120_000 }, () => {
  for (const { name, settings, rest } of TIERS) {
    for (const moment of ['before its page is staged', 'between its page and the diff'] as const) {
      it(`${moment}, with ${name}: leaves nothing, and is neither announced nor polled again`, () =>
        withApp(async (app) => {
          const { targets, streams } = app.store;
          const { world } = app.sandbox;
          world.populate({ users: 400 });
          const users = world.userIds(400);
          const [gone, other] = users as [string, string];
          await targets.add('user', users.slice(0, 100), 0);
          await targets.add('user', users.slice(100), 0, 0);
          world.goLive({ userId: gone });
          const stays = world.goLive({ userId: other });

          const stagePage = streams.stagePage.bind(streams);
          streams.stagePage = async (...args) => {
            if (moment === 'before its page is staged') await targets.remove('user', [gone]);
            const staged = await stagePage(...args);
            await targets.remove('user', [gone]);
            return staged;
          };
          const first = await app.poll();
          streams.stagePage = stagePage;
          assert.equal(first.targets, rest);
          assert.deepEqual([first.announced, first.live], [1, 1]);
          assert.deepEqual(await liveUsers(app.store), [other]);
          assert.deepEqual([...(await targets.hotAmong([gone, other]))], [other]);

          world.end(gone);
          world.goLive({ userId: gone });
          const next = await app.poll();
          assert.equal(next.targets, rest - 1);
          assert.equal(next.announced, 0);
          await eventually(() => assert.deepEqual([...app.consumer.ids], [stays.id]));
        }, settings));
    }
  }
});
