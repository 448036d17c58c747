import assert from 'node:assert/strict';
import { it } from 'node:test';
import { ScheduleOverlapPolicy } from '@temporalio/client';
import { type System, startSystem } from '../../sandbox/system.ts';
import { DEFAULT_INSTANCE } from '../../src/poll/names.ts';
import { DEFAULT_PREFIX } from '../../src/storage/keys.ts';
import { openStore, type Store, takeSnapshot } from '../storage/support.ts';
import { Mailbox } from '../support/mailbox.ts';
import { eventually } from '../support/services.ts';

interface Watching {
  system: System;
  store: Store;
  users: string[];
  /** Streams of four of the users, since an hour. */
  ids: string[];
  mailbox: Mailbox;
}

/** Runs `work` with a system that watches ten users; the schedule is its own to begin. */
async function watching(work: (watching: Watching) => Promise<void>): Promise<void> {
  const system = await startSystem({ intervalSeconds: 1 });
  const store = await openStore(system.services.redisUrl, DEFAULT_PREFIX);
  const mailbox = new Mailbox(system.services.rabbitmqUrl);
  try {
    const { world } = system.sandbox;
    world.populate({ users: 10 });
    const users = world.userIds(10);
    const startedAt = new Date(Date.now() - 3_600_000).toISOString();
    const ids = users.slice(0, 4).map((userId) => world.goLive({ userId, startedAt }).id);
    await store.targets.add('user', users, 0);
    await system.startWorker();
    await work({ system, store, users, ids, mailbox });
  } finally {
    await mailbox.stop();
    store.connection.disconnect();
    await system.stop();
  }
}

it(
  'a store that comes back from the middle of the first poll is noticed, and nothing is repeated',
  { timeout: 120_000 },
  () =>
    watching(async ({ system, store, users, ids, mailbox }) => {
      const restoreEmpty = await takeSnapshot(store);
      await system.schedule();
      await eventually(async () => assert.ok((await system.reports()).length >= 2), {
        timeoutMs: 30_000,
        intervalMs: 200,
      });
      assert.deepEqual(mailbox.ids.sort(), ids.toSorted());

      // The poll's opening was on the disk, and nothing of what it found. Its time is that of any poll.
      await restoreEmpty();
      await store.connection.hset(store.keys.meta, { version: 1, lastPollAt: Date.now() + 3_600_000 });
      const found = await eventually(
        async () => {
          const lossy = (await system.reports()).find(({ stateLost }) => stateLost);
          assert.ok(lossy);
          return lossy;
        },
        { timeoutMs: 30_000, intervalMs: 200, message: 'the poll that notices' },
      );
      assert.ok((found.storeVersion ?? 0) > 1);
      await eventually(async () => assert.equal((await system.reports()).at(-1)?.live, 4), { timeoutMs: 30_000 });
      const fresh = system.sandbox.world.goLive({ userId: users[5] as string });
      await mailbox.holds([...ids, fresh.id], 30_000);
    }),
);

it('a poll that Temporal does not tell of earlier ones notices an empty store all the same', { timeout: 120_000 }, () =>
  watching(async ({ system, store, users, ids, mailbox }) => {
    await system.schedule();
    await mailbox.holds(ids, 30_000);

    const schedule = system.client.schedule.getHandle(DEFAULT_INSTANCE);
    const stateLost = async () => (await system.reports()).filter((report) => report.stateLost).length;
    await schedule.pause();
    await eventually(async () => assert.equal((await schedule.describe()).info.runningActions.length, 0));
    assert.equal(await stateLost(), 0);
    await store.connection.flushall();
    await store.targets.add('user', users, 0);
    // Beside others: Temporal hands such a poll no last result.
    await schedule.trigger(ScheduleOverlapPolicy.ALLOW_ALL);
    const fresh = system.sandbox.world.goLive({ userId: users[5] as string });
    await eventually(async () => assert.equal(await stateLost(), 1), { timeoutMs: 30_000, intervalMs: 200 });
    await schedule.unpause();
    await mailbox.holds([...ids, fresh.id], 30_000);
  }),
);
