import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import type { Activities } from '../../src/activities/index.ts';
import { Secret } from '../../src/config/secret.ts';
import { readLastReport } from '../../src/poll/report.ts';
import { connectDragonfly, waitUntilReady } from '../../src/storage/dragonfly.ts';
import { Keys } from '../../src/storage/keys.ts';
import { Progress } from '../../src/storage/progress.ts';
import { noteProgress } from '../../src/worker/noteProgress.ts';
import { eventually, randomPrefix, redis } from '../support/services.ts';

test('progress that one process notes is seen by another, and written at most once a second', async (t) => {
  const { url } = await redis();
  const store = connectDragonfly({ url: new Secret(url), logger: pino({ level: 'silent' }) });
  t.after(() => store.disconnect());
  assert.ok(await waitUntilReady(store, 5_000));
  const keys = new Keys(randomPrefix());
  let now = 1_000_000;
  const [one, other] = [new Progress(store, keys, () => now), new Progress(store, keys, () => now)];
  assert.deepEqual(await other.read(), { startedMs: 0, progressMs: 0 });

  one.note();
  now += 999;
  one.note();
  await eventually(async () => assert.equal((await other.read()).progressMs, 1_000_000));
  now += 1;
  one.note();
  await eventually(async () => assert.equal((await other.read()).progressMs, 1_001_000));
  now -= 500_000;
  one.note();
  await eventually(async () => assert.equal((await other.read()).progressMs, now), {
    message: 'a clock that is set back keeps no note from being taken',
  });
  now += 500_000;
  one.note();
  await eventually(async () => assert.equal((await other.read()).progressMs, now));
  await store.del(keys.meta);
  assert.equal((await one.read()).progressMs, 1_001_000, 'it remembers its own notes when the store has lost them');
});

test('a comparison is progress, the start of a poll is not, unless there is nothing to poll', async () => {
  let notes = 0;
  let failing = false;
  let fetched = { parts: [{ from: { group: 'user' }, ids: ['1'] }] };
  const fake = {
    fetchTargets: async () => fetched,
    diffStreams: async () => {
      if (failing) throw new Error('away');
      return { events: [] };
    },
  };
  const activities = noteProgress(fake as unknown as Activities, { note: () => notes++ });
  const poll = { id: 'p', startedMs: 0 };
  await activities.fetchTargets({ poll, last: readLastReport(undefined) });
  assert.equal(notes, 0);
  const diff = { poll, owner: 'o', pages: [], complete: [], lastCompleteMs: 0 };
  await activities.diffStreams(diff);
  assert.equal(notes, 1);
  failing = true;
  await assert.rejects(activities.diffStreams(diff));
  assert.equal(notes, 1);
  fetched = { parts: [] };
  await activities.fetchTargets({ poll, last: readLastReport(undefined) });
  assert.equal(notes, 2);
});
