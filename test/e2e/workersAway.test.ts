import assert from 'node:assert/strict';
import { it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startSystem } from '../../sandbox/system.ts';
import { DEFAULT_INSTANCE } from '../../src/poll/names.ts';
import { readScheduleState } from '../../src/temporal/schedule/state.ts';
import { Mailbox } from '../support/mailbox.ts';
import { eventually } from '../support/services.ts';

/** Shorter than the workers are away; what an earlier version set to 24 hours. */
const LIMIT_SECONDS = 8;

it('workers that stay away for long find the events that the poll had claimed, also with a schedule that had a time limit before', {
  timeout: 180_000,
}, async (t) => {
  const system = await startSystem({ intervalSeconds: 3_600 });
  t.after(() => system.stop());
  const { services, sandbox, client, env } = system;
  sandbox.world.populate({ users: 3 });
  const [userId] = sandbox.world.userIds(3);
  env.TARGET_USER_IDS = String(userId);
  await system.schedule();
  const handle = client.schedule.getHandle(DEFAULT_INSTANCE);
  await handle.update((previous) => ({
    ...previous,
    action: { ...previous.action, workflowExecutionTimeout: `${LIMIT_SECONDS} seconds` },
  }));
  await system.schedule();

  const worker = await system.startWorker();
  await services.rabbitmq.stop();
  const stream = sandbox.world.goLive({ userId: String(userId) });
  await handle.trigger();
  const { runs } = await eventually(
    async () => {
      const state = await readScheduleState(client);
      assert.equal(state.runs[0]?.retrying?.step, 'publishStreams');
      return state;
    },
    { timeoutMs: 60_000, intervalMs: 200, message: 'a poll that waits for the broker with a claimed event' },
  );
  await worker.kill();
  // No later poll can see it: the event is in the history of that run, and nowhere else.
  sandbox.world.end(String(userId));
  await sleep(LIMIT_SECONDS * 1_000 + 2_000);
  assert.equal((await client.workflow.getHandle(String(runs[0]?.workflowId)).describe()).status.name, 'RUNNING');

  await services.rabbitmq.start();
  await system.startWorker();
  const mailbox = new Mailbox(services.rabbitmqUrl);
  await mailbox.holds([stream.id], 60_000);
  await mailbox.stop();
});
