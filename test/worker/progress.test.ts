import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Activities } from '../../src/activities/index.ts';
import { readLastReport } from '../../src/poll/report.ts';
import { Polls } from '../../src/storage/polls.ts';
import { noteProgress } from '../../src/worker/noteProgress.ts';
import { openStore } from '../storage/support.ts';
import { eventually } from '../support/services.ts';

test('progress that one process notes is seen by another, and written at most once a second', async (t) => {
  const { connection, keys } = await openStore();
  t.after(() => connection.disconnect());
  let now = 1_000_000;
  const [one, other] = [new Polls(connection, keys), new Polls(connection, keys)];
  assert.deepEqual(await other.times(), { startedMs: 0, progressMs: 0 });

  one.noteProgress(now);
  now += 999;
  one.noteProgress(now);
  await eventually(async () => assert.equal((await other.times()).progressMs, 1_000_000));
  now += 1;
  one.noteProgress(now);
  await eventually(async () => assert.equal((await other.times()).progressMs, 1_001_000));
  now -= 500_000;
  one.noteProgress(now);
  await eventually(async () => assert.equal((await other.times()).progressMs, now), {
    message: 'a clock that is set back keeps no note from being taken',
  });
  now += 500_000;
  one.noteProgress(now);
  await eventually(async () => assert.equal((await other.times()).progressMs, now));
  await connection.del(keys.meta);
  assert.equal((await one.times()).progressMs, 1_001_000, 'it remembers its own notes when the store has lost them');
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
  const activities = noteProgress(fake as unknown as Activities, {
    polls: { noteProgress: () => notes++ },
    series: { noteRequest: () => undefined },
    onPage: () => undefined,
  });
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
