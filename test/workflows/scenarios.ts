import assert from 'node:assert/strict';
import { eventually } from '../support/services.ts';
import type { AppSettings, TestApp } from './app.ts';

/** A named course of events: run as a workflow test, and recorded as the history that replay tests go through. */
export interface Scenario {
  name: string;
  settings?: AppSettings;
  run(app: TestApp): Promise<void>;
}

/** Makes users targets and some of them live. Returns the ids of their streams. */
async function watchUsers(app: TestApp, count: number, live: number): Promise<string[]> {
  const { world } = app.sandbox;
  world.populate({ users: count });
  const users = world.userIds(count);
  await app.store.targets.add('user', users, 0);
  const every = Math.floor(count / live);
  return Array.from({ length: live }, (_, i) => world.goLive({ userId: users[i * every] as string }).id);
}

async function arrived(app: TestApp, ids: string[]): Promise<void> {
  await eventually(() => assert.deepEqual([...app.consumer.ids].sort(), [...ids].sort()), { message: 'the messages' });
}

export const scenarios: Scenario[] = [
  {
    name: 'one-batch',
    async run(app) {
      const ids = await watchUsers(app, 100, 45);
      const first = await app.poll();
      const second = await app.poll();
      await arrived(app, ids);
      const { targets, batches, requests, pages, live, announced, failedBatches } = first;
      assert.deepEqual(
        { targets, batches, requests, pages, live, announced, failedBatches },
        { targets: 100, batches: 1, requests: 1, pages: 1, live: 45, announced: 45, failedBatches: 0 },
      );
      assert.deepEqual([second.announced, second.live, second.ended], [0, 45, 0]);
      assert.equal(second.lastCompleteAt, second.startedAt);
      const marks = await app.store.connection.mget(ids.map((id) => app.store.keys.mark(id)));
      assert.ok(marks.every((mark) => mark === 'announced'));
    },
  },
  {
    name: 'many-batches',
    async run(app) {
      const ids = await watchUsers(app, 4_321, 300);
      const report = await app.poll({ window: 10 });
      await arrived(app, ids);
      assert.deepEqual([report.targets, report.batches, report.announced, report.live], [4_321, 44, 300, 300]);
    },
  },
  {
    name: 'game-pages',
    async run(app) {
      const { world } = app.sandbox;
      world.populate({ users: 1_000, games: 3 });
      world.viewerDrift = 0.5;
      const users = world.userIds(1_000);
      const games = world.gameIds(3);
      await app.store.targets.add('game', games.slice(0, 2), 0);
      await app.store.targets.add('user', users.slice(0, 10), 0);
      const streams = users.slice(0, 430).map((userId, i) => world.goLive({ userId, gameId: games[i % 2] as string }));
      world.goLive({ userId: users[999] as string, gameId: games[2] as string });
      const reports = [await app.poll(), await app.poll(), await app.poll()];
      // With viewers drifting between the pages Twitch itself misses some in one poll; no poll announces one twice.
      await arrived(
        app,
        streams.map((stream) => stream.id).filter((id) => app.consumer.ids.includes(id)),
      );
      assert.ok(app.consumer.ids.length > 400);
      assert.ok(reports[0] && reports[0].pages >= 5);
      world.viewerDrift = 0;
      await app.poll();
      await arrived(
        app,
        streams.map((stream) => stream.id),
      );
    },
  },
  {
    name: 'continue-as-new',
    async run(app) {
      const ids = await watchUsers(app, 1_000, 50);
      const report = await app.poll({ batchesPerRun: 4, window: 3 });
      await arrived(app, ids);
      assert.deepEqual([report.targets, report.batches, report.requests, report.announced], [1_000, 10, 10, 50]);
      const [handle] = app.polls;
      const description = await handle?.describe();
      assert.ok(description && description.runId !== handle?.firstExecutionRunId, 'it ran on as a new run');
      const [first] = app.consumer.arrivals;
      assert.equal(first?.headers['x-poll-id'], report.pollId);
    },
  },
  {
    name: 'retry-then-success',
    async run(app) {
      const { faults } = app.sandbox;
      const ids = await watchUsers(app, 100, 3);
      const orders = [
        { kind: 'status', status: 500, times: 1 },
        { kind: 'cut', at: 'body', times: 1 },
        { kind: 'garbage', as: 'invalidJson', times: 1 },
        { kind: 'rateLimit', resetInSeconds: 1, times: 1 },
      ] as const;
      for (const order of orders) faults.add({ ...order, match: { endpoint: 'streams' } });
      const report = await app.poll();
      faults.revokeTokens();
      const next = await app.poll();
      await arrived(app, ids);
      assert.deepEqual(report.failedRequests, { server: 1, network: 1, invalid_response: 1, rate_limited: 1 });
      assert.deepEqual([report.requests, report.announced, report.failedBatches], [5, 3, 0]);
      assert.deepEqual(next.failedRequests, { unauthorized: 1 });
    },
  },
  {
    name: 'partial-failure',
    async run(app) {
      const { faults, world } = app.sandbox;
      const ids = await watchUsers(app, 300, 30);
      await app.poll();
      await arrived(app, ids);
      const [poisoned] = world.userIds(1);
      const fault = faults.add({ kind: 'status', status: 500, match: { id: poisoned as string } });
      const reports = [await app.poll(), await app.poll()];
      for (const report of reports) {
        assert.deepEqual([report.batches, report.failedBatches, report.ended, report.live], [3, 1, 0, 30]);
        assert.equal(report.problems.length, 1);
        assert.equal(report.lastCompleteAt, report.startedAt, 'complete for the others');
        assert.deepEqual(
          report.unpolled?.map(({ targets, sinceMs, missedMs }) => [targets, sinceMs, missedMs]),
          [[100, 0, Date.parse(report.startedAt)]],
        );
      }
      fault.remove();
      assert.equal((await app.poll()).failedBatches, 0);
      assert.equal(app.consumer.ids.length, 30, 'a batch that was not polled ends nothing and repeats nothing');
    },
  },
  {
    name: 'long-broker-outage',
    settings: { intervalSeconds: 1 },
    async run(app) {
      const { world } = app.sandbox;
      const ids = await watchUsers(app, 100, 5);
      await app.brokerProxy.refuse(true);
      app.brokerProxy.reset();
      const away = await app.poll();
      assert.deepEqual([away.announced, away.handedOver], [0, 5]);
      const [, , offline, online] = world.userIds(100);
      world.end(offline as string);
      const later = world.goLive({ userId: online as string });
      const still = await app.poll();
      assert.deepEqual([still.handedOver, still.failedBatches], [1, 0], 'polling goes on, without announcing again');
      await app.brokerProxy.restore();
      await eventually(() => assert.equal(app.consumer.ids.length, 6), {
        timeoutMs: 20_000,
        message: 'the deliveries',
      });
      await app.poll();
      await arrived(app, [...ids, later.id]);
    },
  },
  {
    name: 'refused-ids',
    async run(app) {
      const { faults, world } = app.sandbox;
      const ids = await watchUsers(app, 200, 20);
      const [, refused] = world.userIds(2);
      faults.add({ kind: 'refusedIds', ids: [refused as string] });
      const reports = [await app.poll(), await app.poll()];
      await arrived(app, ids);
      for (const report of reports) {
        assert.deepEqual([report.refused, report.failedBatches, report.lastCompleteAt], [1, 0, report.startedAt]);
      }
      assert.deepEqual([reports[0]?.targets, reports[1]?.targets, reports[1]?.requests], [200, 199, 2]);
    },
  },
  {
    name: 'dead-cursors',
    async run(app) {
      const { faults, world } = app.sandbox;
      world.populate({ users: 450, games: 1 });
      const [gameId] = world.gameIds(1) as [string];
      await app.store.targets.add('game', [gameId], 0);
      const streams = world.userIds(450).map((userId) => world.goLive({ userId, gameId }));
      faults.add({ kind: 'deadCursor', match: { page: 2 }, times: 1 });
      faults.add({ kind: 'invalidCursor', match: { page: 4 }, times: 1 });
      const report = await app.poll();
      await arrived(
        app,
        streams.map(({ id }) => id),
      );
      assert.deepEqual([report.announced, report.failedBatches, report.incompleteBatches], [450, 0, 0]);
    },
  },
  {
    name: 'one-delivery',
    settings: { intervalSeconds: 1 },
    async run(app) {
      const ids = await watchUsers(app, 4_000, 100);
      await app.brokerProxy.refuse(true);
      app.brokerProxy.reset();
      const away = await app.poll({ window: 5 });
      assert.deepEqual([away.announced, away.handedOver, away.failedBatches], [0, 100, 0]);
      await app.brokerProxy.restore();
      await arrived(app, ids);
    },
  },
];
