import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type System, startSystem } from '../../sandbox/system.ts';
import { Mailbox } from '../support/mailbox.ts';
import { eventually } from '../support/services.ts';

const INTERVAL_SECONDS = 1;

describe('from the schedule to the queue', { timeout: 180_000 }, () => {
  let system: System;
  let mailbox: Mailbox;
  let users: string[];
  const announced: string[] = [];
  const fresh = (userId: string) => {
    const stream = system.sandbox.world.goLive({ userId });
    announced.push(stream.id);
    return stream;
  };
  const allArrived = (timeoutMs?: number) => mailbox.holds(announced, timeoutMs);
  /** Waits for that many further polls that have been through every target. */
  const polls = async (count: number) => {
    const start = new Date().toISOString();
    await eventually(
      async () => {
        const reports = await system.reports();
        assert.ok(reports.filter((report) => report.startedAt >= start).length >= count);
      },
      { timeoutMs: 60_000, intervalMs: 200, message: `${count} more polls` },
    );
  };

  before(async () => {
    system = await startSystem({ intervalSeconds: INTERVAL_SECONDS });
    const { world } = system.sandbox;
    world.populate({ users: 100 });
    users = world.userIds(100);
    system.env.TARGET_USER_IDS = users.join(',');
    for (const userId of users.slice(0, 45)) fresh(userId);
  });
  after(async () => {
    await mailbox?.stop();
    await system?.stop();
  });

  it('45 live streams among 100 users give 45 messages with five fields each, and none later', async () => {
    const worker = await system.startWorker();
    mailbox = new Mailbox(system.services.rabbitmqUrl);
    await system.schedule();
    await allArrived();
    for (const { body } of mailbox.arrivals) {
      assert.deepEqual(Object.keys(body).sort(), ['game_id', 'started_at', 'title', 'user_id', 'user_login']);
    }
    await polls(2);
    await allArrived();
    await worker.stop();
  });

  it('restarts of the worker, kill -9 included, between and during polls, give no other message', async () => {
    for (const wait of [0, 300, 1_000]) {
      const worker = await system.startWorker();
      await sleep(wait);
      await worker.kill();
    }
    const worker = await system.startWorker();
    await polls(2);
    await worker.stop();
    await allArrived();
  });

  it('a stream that flaps gives none, a new stream of the same user gives one', async () => {
    await system.startWorker();
    const { world } = system.sandbox;
    const flapping = users.slice(0, 3);
    for (const userId of flapping) world.flap(userId, 4 * INTERVAL_SECONDS * 1_000);
    await polls(7);
    await allArrived();
    const [userId] = flapping;
    world.end(userId as string);
    fresh(userId as string);
    await allArrived();
  });

  it('what starts and ends while RabbitMQ is stopped is delivered after it returns, once, and polling goes on', async () => {
    const { world } = system.sandbox;
    await system.services.rabbitmq.stop();
    const briefly = fresh(users[60] as string);
    fresh(users[61] as string);
    await polls(3);
    world.end(briefly.userId);
    fresh(users[62] as string);
    await polls(3);
    const reports = await system.reports();
    assert.ok(reports.every((report) => report.failedBatches === 0));

    await system.services.rabbitmq.start();
    await allArrived(30_000);
    await polls(2);
    await allArrived();
  });
});
