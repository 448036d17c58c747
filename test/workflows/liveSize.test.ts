import assert from 'node:assert/strict';
import { it } from 'node:test';
import { withApp } from './app.ts';

it('a poll that compares nothing reports the size of the live set that there is', { timeout: 60_000 }, () =>
  withApp(async (app) => {
    const { faults, world } = app.sandbox;
    const { connection, keys, streams, targets } = app.store;
    world.populate({ users: 10 });
    const users = world.userIds(10);
    await targets.add('user', users, 0);
    for (const userId of users.slice(0, 3)) world.goLive({ userId });
    assert.equal((await app.poll()).live, 3);

    const refused = faults.add({ kind: 'status', status: 403, match: { endpoint: 'token' } });
    faults.revokeTokens();
    const unanswered = await app.poll();
    refused.remove();
    assert.deepEqual([unanswered.pages, unanswered.live, unanswered.ended], [0, 3, 0]);

    const stagePage = streams.stagePage.bind(streams);
    streams.stagePage = async (...args) => {
      const staged = await stagePage(...args);
      await connection.del(keys.meta);
      return staged;
    };
    const lost = await app.poll();
    streams.stagePage = stagePage;
    assert.deepEqual([lost.failedBatches, lost.live, lost.ended], [1, 3, 0], 'nor does one whose store has lost it');

    await targets.remove('user', users);
    assert.deepEqual([(await app.poll()).live], [0]);
  }),
);
