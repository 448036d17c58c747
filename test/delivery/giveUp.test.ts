import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startApp } from '../workflows/app.ts';

/** More than publish at a time. */
const DIFFS = 14;

test('a long interval does not keep events, lanes and pages waiting for a broker that is away', async () => {
  const app = await startApp({ intervalSeconds: 3_600 });
  try {
    const { world } = app.sandbox;
    world.populate({ users: DIFFS * 100 });
    const users = world.userIds(DIFFS * 100);
    await app.store.targets.add('user', users, 0);
    for (let i = 0; i < DIFFS; i += 1) world.goLive({ userId: String(users[i * 100 + 7]) });
    app.sandbox.faults.add({ kind: 'slowHeaders', delayMs: 300, match: { endpoint: 'streams' } });
    await app.brokerProxy.refuse(true);
    app.brokerProxy.reset();
    const report = await app.poll({ window: 1 });
    assert.deepEqual([report.announced, report.handedOver, report.failedBatches], [0, DIFFS, 0]);
    assert.ok(report.durationMs < 90_000, `the poll took ${report.durationMs} ms`);
    await app.brokerProxy.restore();
    await app.environment.client.workflow.getHandle(`deliver:${report.pollId}`).result();
    assert.equal(new Set(app.consumer.ids).size, DIFFS);
    assert.equal(app.consumer.ids.length, DIFFS);
  } finally {
    await app.stop();
  }
});
