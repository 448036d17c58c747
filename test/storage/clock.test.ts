import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MockActivityEnvironment } from '@temporalio/testing';
import type { Dependencies } from '../../src/activities/dependencies.ts';
import { createActivities } from '../../src/activities/index.ts';
import { readLastReport } from '../../src/poll/report.ts';
import type { DiffStreamsResult } from '../../src/poll/steps.ts';
import { liveEntry, storeForEach, stream } from './support.ts';

const MONTH = 30 * 24 * 3_600_000;

describe('one clock, the store’s, whatever that of a client or a worker says', () => {
  const store = storeForEach();

  const isNow = async (ms: number) => {
    const now = await store.targets.nowMs();
    assert.ok(ms > now - 60_000 && ms <= now, `${ms - now} ms from now`);
  };

  for (const [name, offMs] of [
    ['a month ahead', MONTH],
    ['a month behind', -MONTH],
  ] as const) {
    it(`a client whose clock is ${name} adds targets now`, async (t) => {
      const right = Date.now;
      t.mock.method(Date, 'now', () => right() + offMs);
      await store.targets.add('user', ['u1']);
      t.mock.restoreAll();
      await isNow(Number(await store.connection.hget(store.keys.added('user'), 'u1')));
      await isNow(Number(await store.connection.zscore(store.keys.hotUntil, 'u1')) - 24 * 3_600_000);
    });

    it(`a worker whose clock is ${name} opens a poll and compares now`, async (t) => {
      await store.targets.add('user', ['u1', 'u2']);
      await store.targets.add('user', ['u3'], 0, Date.now() - MONTH / 2);
      const { fetchTargets, diffStreams } = createActivities({
        settings: {
          intervalSeconds: 30,
          requestsPerMinute: 780,
          firstSight: 'silent',
          offlineAfterMisses: 2,
          recentlyLiveDays: 14,
          dormantMaxSeconds: 900,
        },
        ...store,
        settingsTargets: { apply: async () => undefined },
      } as unknown as Dependencies);
      const poll = { id: 'p', startedMs: Date.now(), no: 1 };
      const right = Date.now;
      t.mock.method(Date, 'now', () => right() + offMs);
      await new MockActivityEnvironment().run(fetchTargets, { poll, last: readLastReport(undefined) });
      assert.deepEqual([...(await store.targets.hotAmong(['u1', 'u2', 'u3']))].sort(), ['u1', 'u2'], 'cooled by it');
      const started = stream('s1', 'u1', right() + 1_000);
      const { streams } = await store.streams.stagePage(poll, { batch: 0, page: 0 }, 'user', [started]);
      const diff = { poll, owner: 'o', pages: [{ batch: 0, page: 0, streams }], complete: [], lastCompleteMs: 0 };
      const found: DiffStreamsResult = await new MockActivityEnvironment().run(diffStreams, diff);
      t.mock.restoreAll();
      assert.deepEqual(
        found.events.map(({ id, reason }) => [id, reason]),
        [['s1', 'started']],
      );
      await isNow(Date.parse(found.events[0]?.detectedAt ?? ''));
      await isNow((await liveEntry(store, 'u1')).seenMs);
      await isNow(Number(await store.connection.zscore(store.keys.hotUntil, 'u1')) - 14 * 24 * 3_600_000);
    });
  }
});
