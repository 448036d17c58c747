import assert from 'node:assert/strict';
import { it } from 'node:test';
import { eventually } from '../support/services.ts';
import { withApp } from './app.ts';

it('a request waits for its turn for as long as a small budget makes it wait', { timeout: 60_000 }, () =>
  withApp(async (app) => {
    app.sandbox.world.populate({ users: 5_000 });
    await app.store.targets.add('user', app.sandbox.world.userIds(5_000), 0);
    const handle = await app.environment.client.workflow.start('pollStreams', {
      taskQueue: app.taskQueue,
      workflowId: `waiting-${app.taskQueue}`,
      // Nobody takes from this queue: the window of 50 waits.
      args: [{ twitchTaskQueue: `${app.taskQueue}-nobody` }],
    });
    const scheduled = await eventually(async () => {
      const { events } = await handle.fetchHistory();
      const requests = (events ?? []).flatMap(({ activityTaskScheduledEventAttributes: scheduled }) =>
        scheduled?.activityType?.name === 'pollPage' ? [scheduled] : [],
      );
      assert.equal(requests.length, 50);
      return requests;
    });
    await handle.terminate();
    for (const { scheduleToCloseTimeout, scheduleToStartTimeout, startToCloseTimeout } of scheduled) {
      const limits = [scheduleToCloseTimeout, scheduleToStartTimeout].map((limit) => Number(limit?.seconds ?? 0));
      assert.deepEqual(limits, [0, 0], 'nothing counts the wait');
      assert.equal(Number(startToCloseTimeout?.seconds), 300);
    }
  }),
);
