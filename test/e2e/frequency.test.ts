import assert from 'node:assert/strict';
import { it } from 'node:test';
import { startSystem } from '../../sandbox/system.ts';
import { DEFAULT_PREFIX } from '../../src/storage/keys.ts';
import { openStore } from '../storage/support.ts';
import { Mailbox } from '../support/mailbox.ts';
import { eventually } from '../support/services.ts';

it('a budget that is too small for all targets in each poll: hot users in every poll, dormant ones in turns, none is lost', {
  timeout: 120_000,
}, async (t) => {
  // 6 requests fit into an interval; 1,000 users take 10.
  const system = await startSystem({ intervalSeconds: 2, env: { TWITCH_REQUESTS_PER_MINUTE: '180' } });
  const { connection, targets } = await openStore(system.services.redisUrl, DEFAULT_PREFIX);
  const mailbox = new Mailbox(system.services.rabbitmqUrl);
  t.after(async () => {
    await mailbox.stop();
    connection.disconnect();
    await system.stop();
  });
  const { world } = system.sandbox;
  world.populate({ users: 1_000 });
  const users = world.userIds(1_000);
  await targets.add('user', users.slice(0, 100), 0);
  await targets.add('user', users.slice(100), 0, 0);
  const streams = users.filter((_, i) => i % 50 === 0).map((userId) => world.goLive({ userId }).id);

  await system.startWorker();
  await system.schedule();
  await mailbox.holds(streams, 30_000);

  const reports = await eventually(
    async () => {
      const ended = await system.reports();
      assert.ok(
        ended.some(({ turn, lastCompleteAt, startedAt }) => turn && lastCompleteAt && lastCompleteAt < startedAt),
      );
      return ended;
    },
    { timeoutMs: 30_000, intervalMs: 200, message: 'a turn that took several polls, and the poll after it' },
  );
  for (const { rhythm, targets: polled, failedBatches } of reports) {
    assert.ok(rhythm && rhythm.hot + rhythm.dormant === 1_000);
    assert.ok(polled < 1_000 && polled >= rhythm.hot);
    assert.equal(failedBatches, 0);
  }
  assert.ok(
    reports.every(({ ended }) => ended === 0),
    'a user whose turn it is not has not ended',
  );
});
