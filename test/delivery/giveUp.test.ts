import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startApp } from '../workflows/app.ts';
import { liveWithoutBroker } from './support.ts';

/** More than publish at a time. */
const DIFFS = 14;

test('a long interval does not keep events, publishers and pages waiting for a broker that is away', async () => {
  const app = await startApp({ intervalSeconds: 3_600 });
  try {
    await liveWithoutBroker(app, DIFFS, 300);
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
