import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { openCut } from '../storage/cutScripts.ts';
import { eventually, redis } from '../support/services.ts';
import { startApp, type TestApp } from './app.ts';

/** More than the attempts after which an error of a script's own fails its slice. */
const FULL_FOR_ATTEMPTS = 6;

describe('a store that is full, and shows it in the middle of a script', { timeout: 120_000 }, () => {
  let app: TestApp;
  before(async () => {
    app = await startApp();
  });
  after(() => app.stop());

  it('is waited for: every stream arrives, once', async (t) => {
    const { world } = app.sandbox;
    world.populate({ users: 50 });
    const users = world.userIds(50);
    await app.store.targets.add('user', users, 0);
    const ids = users.slice(0, 20).map((userId) => world.goLive({ userId }).id);

    const { connection, streams } = app.store;
    const whole = { script: connection.diffStreams.bind(connection), diff: streams.diff.bind(streams) };
    let attempts = 0;
    streams.diff = (request) => {
      attempts += 1;
      return whole.diff(request);
    };
    connection.diffStreams = async (...args) => {
      if (attempts > FULL_FOR_ATTEMPTS) return whole.script(...args);
      // Each time a little further.
      const full = await openCut((await redis()).url, 2 * attempts);
      try {
        return await full.diffStreams(...args);
      } finally {
        full.disconnect();
      }
    };
    t.after(() => {
      connection.diffStreams = whole.script;
      streams.diff = whole.diff;
    });

    const report = await app.poll();
    assert.equal(attempts, FULL_FOR_ATTEMPTS + 1);
    assert.deepEqual([report.announced, report.failedBatches, report.live], [20, 0, 20]);
    await eventually(() => assert.deepEqual([...app.consumer.ids].sort(), [...ids].sort()));
  });
});
