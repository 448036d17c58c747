import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Worker } from '@temporalio/worker';
import { eventually } from '../support/services.ts';
import { recordHistories, startApp, type TestApp, workflowBundle } from '../workflows/app.ts';
import { liveWithoutBroker } from './support.ts';

const BATCHES = 18;

async function deliveriesOf(app: TestApp): Promise<{ workflowId: string; runId: string; status: { name: string } }[]> {
  const deliveries = [];
  const query = `TaskQueue = '${app.taskQueue}' AND WorkflowType = 'deliverStreams'`;
  for await (const found of app.environment.client.workflow.list({ query })) deliveries.push(found);
  return deliveries;
}

test('a long poll without a broker has one delivery, whatever is found when, and in however many runs', async () => {
  const app = await startApp({ intervalSeconds: 1 });
  try {
    // A poll of more than 20 s: longer than events are gathered.
    const ids = await liveWithoutBroker(app, BATCHES, 1_300);
    const report = await app.poll({ window: 1, batchesPerRun: 7 });
    assert.deepEqual([report.announced, report.handedOver, report.failedBatches], [0, BATCHES, 0]);

    const [delivery, ...more] = await eventually(async () => {
      const found = await deliveriesOf(app);
      assert.ok(found.length > 0);
      return found;
    });
    assert.ok(delivery);
    assert.deepEqual(
      [more.length, delivery.workflowId, delivery.status.name],
      [0, `deliver:${report.pollId}`, 'RUNNING'],
    );
    const { client } = app.environment;
    const { pendingActivities } = (await client.workflow.getHandle(delivery.workflowId).describe()).raw;
    // Gathered for ten seconds each, and what is left when a run of the poll ends: not one for each stream.
    assert.ok(pendingActivities && pendingActivities.length >= 2 && pendingActivities.length <= 7);
    for (const { activityType } of pendingActivities) assert.equal(activityType?.name, 'deliverEvents');

    await app.brokerProxy.restore();
    const delivered = await client.workflow.getHandle(delivery.workflowId).result();
    assert.deepEqual(delivered, { announced: BATCHES, left: 0 });
    assert.deepEqual(app.consumer.ids.toSorted(), ids.toSorted());
    for (const { workflowId, history } of await recordHistories(app)) {
      await Worker.runReplayHistory({ workflowBundle: await workflowBundle() }, history, workflowId);
    }
  } finally {
    await app.stop();
  }
});

test('a delivery that has ended meanwhile is followed by another, and a broker that is back is asked again', async () => {
  const app = await startApp({ intervalSeconds: 1 });
  try {
    const ids = await liveWithoutBroker(app, BATCHES, 2_700);
    const poll = await app.startPoll({ window: 1 });
    await eventually(async () => assert.equal((await deliveriesOf(app)).length, 1), { timeoutMs: 30_000 });
    await app.brokerProxy.restore();
    const report = await poll.result();
    await eventually(() => assert.deepEqual(app.consumer.ids.toSorted(), ids.toSorted()), { timeoutMs: 30_000 });
    const deliveries = await deliveriesOf(app);
    assert.ok(deliveries.length >= 2, 'what was found after the first had ended came by another');
    assert.deepEqual(
      new Set(deliveries.map(({ workflowId }) => workflowId)),
      new Set([`deliver:${report.pollId}`]),
      'of the same name',
    );
    assert.ok(report.announced > 0, 'the poll itself has published again');
    assert.equal(report.announced + report.handedOver, BATCHES);
  } finally {
    await app.stop();
  }
});
