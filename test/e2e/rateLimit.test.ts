import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { type System, startSystem } from '../../sandbox/system.ts';
import { DEFAULT_INSTANCE, TWITCH_TASK_QUEUE } from '../../src/poll/names.ts';
import { DEFAULT_PREFIX } from '../../src/storage/keys.ts';
import { openStore } from '../storage/support.ts';
import { eventually } from '../support/services.ts';

const run = promisify(execFile);

const PER_SECOND = 10;
const REQUESTS = 500;

it('the rate limit of the queue is one for three workers together, and an operator changes it while they run', {
  timeout: 180_000,
}, async (t) => {
  const requestsPerMinute = String(PER_SECOND * 60);
  const system = await startSystem({ intervalSeconds: 60, env: { TWITCH_REQUESTS_PER_MINUTE: requestsPerMinute } });
  t.after(() => system.stop());
  await addTargets(system, REQUESTS * 100);
  await Promise.all([system.startWorker(), system.startWorker(), system.startWorker()]);
  await system.schedule();
  await system.client.schedule.getHandle(DEFAULT_INSTANCE).trigger();
  await eventually(async () => assert.ok(helixRequests(system) > 0), { timeoutMs: 20_000, message: 'a request' });

  // A second's worth may come at once at the beginning.
  const own = await requestsPerSecond(system, 8);
  assert.ok(own > 0.75 * PER_SECOND && own < 1.25 * PER_SECOND, `${own} a second with three workers`);

  await limitQueue(system, String(3 * PER_SECOND));
  const raised = await requestsPerSecond(system, 4);
  assert.ok(raised > 2 * PER_SECOND && raised < 4 * PER_SECOND, `${raised} a second, raised by the operator`);

  await limitQueue(system, 'default');
  const again = await requestsPerSecond(system, 6);
  assert.ok(again < 1.3 * PER_SECOND, `${again} a second when the override is gone`);

  await limitQueue(system, '100');
  await eventually(() => assert.ok(helixRequests(system) >= REQUESTS), { timeoutMs: 40_000, message: 'all of it' });
  assert.equal((await identities(system)).size, 3, 'each worker has sent some of the requests');
});

async function addTargets(system: System, users: number): Promise<void> {
  const { connection, targets } = await openStore(system.services.redisUrl, DEFAULT_PREFIX);
  system.sandbox.world.populate({ users });
  await targets.add('user', system.sandbox.world.userIds(users), 0);
  connection.disconnect();
}

function helixRequests(system: System): number {
  return system.sandbox.stats().helixRequests;
}

async function requestsPerSecond(system: System, seconds: number): Promise<number> {
  const before = helixRequests(system);
  await sleep(seconds * 1_000);
  return (helixRequests(system) - before) / seconds;
}

/** As an operator would, and waits until the workers' polls have brought it to the queue. */
async function limitQueue(system: System, perSecond: string): Promise<void> {
  const { cli, address } = system.services.temporal;
  const queue = ['--task-queue', TWITCH_TASK_QUEUE, '--task-queue-type', 'activity'];
  const limit = ['--queue-rps-limit', perSecond, '--queue-rps-limit-reason', 'test'];
  await run(cli, ['task-queue', 'config', 'set', ...queue, ...limit, '--address', address]);
  await sleep(2_000);
}

/** The workers that have sent requests. */
async function identities({ client }: System): Promise<Set<string>> {
  const found = new Set<string>();
  for await (const { workflowId, runId } of client.workflow.list()) {
    const { events } = await client.workflow.getHandle(workflowId, runId).fetchHistory();
    const requests = new Set<string>();
    for (const { eventId, activityTaskScheduledEventAttributes, activityTaskStartedEventAttributes } of events ?? []) {
      if (activityTaskScheduledEventAttributes?.taskQueue?.name === TWITCH_TASK_QUEUE) requests.add(String(eventId));
      const { scheduledEventId, identity } = activityTaskStartedEventAttributes ?? {};
      if (identity && requests.has(String(scheduledEventId))) found.add(identity);
    }
  }
  return found;
}
