import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ScheduleView } from '../../src/temporal/schedule/view.ts';
import { type PollCheckOptions, pollCheck } from '../../src/worker/checks/polls.ts';

const MINUTE = 60_000;
const NOW = 1_000 * MINUTE;
const settings = { intervalSeconds: 30, requestsPerMinute: 780 };

/** One look at a store that says this, with a schedule that could not be read unless there is a view of it. */
function polls(startedMs: number, progressMs: number, given: Partial<typeof settings> = {}, view?: ScheduleView) {
  return check({ times: async () => ({ startedMs, progressMs }) }, given, async () => view);
}

function check(
  polls: PollCheckOptions['polls'],
  given: Partial<typeof settings> = {},
  schedule: PollCheckOptions['schedule'] = async () => undefined,
) {
  return pollCheck({ polls, schedule, settings: { ...settings, ...given }, now: () => NOW, monotonic: () => 0 });
}

const view = (change: Partial<ScheduleView>): ScheduleView => ({
  exists: true,
  paused: false,
  note: '',
  intervalSeconds: 30,
  ...change,
});

test('before the first poll, readiness says how to begin', async () => {
  assert.deepEqual(await polls(0, 0)(), { ok: false, detail: 'no poll yet: run npm run client -- schedule apply' });
});

test('polls are fine while the last progress is younger than three intervals, and at least 90 s', async () => {
  assert.equal((await polls(NOW, NOW - 89_000)()).ok, true);
  assert.equal((await polls(NOW, NOW - 91_000)()).ok, false);
  assert.equal((await polls(NOW, NOW - 170_000, { intervalSeconds: 60 })()).ok, true);
  assert.equal((await polls(NOW, NOW - 181_000, { intervalSeconds: 60 })()).ok, false);
});

test('the interval that counts is the schedule’s own, whatever this worker’s setting says', async () => {
  const slow = view({ intervalSeconds: 600 });
  assert.equal((await polls(NOW, NOW - 29 * MINUTE, {}, slow)()).ok, true);
  assert.deepEqual(await polls(NOW - 31 * MINUTE, NOW - 31 * MINUTE, {}, slow)(), {
    ok: false,
    detail: "no poll has begun for 31 min (the schedule's interval is 10 min): see npm run client -- schedule describe",
  });
  const fast = view({ intervalSeconds: 10 });
  assert.equal((await polls(NOW, NOW - 91_000, { intervalSeconds: 600 }, fast)()).ok, false);
});

test('a pause is told at once, and is the reason when polls are overdue', async () => {
  const paused = view({ paused: true, note: 'moving house' });
  assert.deepEqual(await polls(NOW, NOW - 5_000, {}, paused)(), {
    ok: true,
    detail: 'last poll got through 5 s ago; the schedule is paused (moving house)',
  });
  assert.deepEqual(await polls(NOW - 5 * MINUTE, NOW - 5 * MINUTE, {}, paused)(), {
    ok: false,
    detail:
      'the schedule is paused (moving house), and no poll has got through for 5 min: npm run client -- schedule resume',
  });
});

test('a schedule that was deleted is told', async () => {
  const none = view({ exists: false, intervalSeconds: undefined });
  assert.match(
    (await polls(NOW - 5 * MINUTE, NOW - 5 * MINUTE, {}, none)()).detail,
    /^no poll has begun for 5 min, and there is no schedule: run npm run client -- schedule apply/,
  );
});

test('a small rate limit gives a long poll the time that it needs between two comparisons', async () => {
  assert.equal((await polls(NOW, NOW - 200_000, { requestsPerMinute: 10 })()).ok, true);
});

test('a long poll is fine although it began long ago', async () => {
  assert.equal((await polls(NOW - 20 * MINUTE, NOW - 2_000)()).ok, true);
});

test('polls that begin and get nowhere are told from polls that do not begin', async () => {
  assert.match(
    (await polls(NOW - 5_000, NOW - 5 * MINUTE)()).detail,
    /^polls begin, but none has got through for 5 min/,
  );
  assert.match((await polls(NOW - 5_000, 0)()).detail, /^polls begin, but none has got through so far/);
  assert.match(
    (await polls(NOW - 5 * MINUTE, NOW - 5 * MINUTE)()).detail,
    /^no poll has begun for 5 min \(POLL_INTERVAL_SECONDS is 30\)/,
  );
});

test('a store that is away, empty or from an older snapshot does not make polls look older than they are', async () => {
  const answers = [
    async () => ({ startedMs: NOW, progressMs: NOW }),
    async () => Promise.reject(new Error('away')),
    async () => ({ startedMs: 0, progressMs: 0 }),
    async () => ({ startedMs: NOW - 60 * MINUTE, progressMs: NOW - 60 * MINUTE }),
  ];
  const looked = check({ times: () => (answers.shift() as (typeof answers)[0])() });
  for (let i = 0; i < 4; i++) assert.equal((await looked()).ok, true);
});

test('a clock that was an hour ahead for a while does not keep polls young for an hour', async () => {
  const at = { wall: NOW + 60 * MINUTE, monotonic: 0 };
  const looked = pollCheck({
    polls: { times: async () => ({ startedMs: NOW + 60 * MINUTE, progressMs: NOW + 60 * MINUTE }) },
    schedule: async () => undefined,
    settings,
    now: () => at.wall,
    monotonic: () => at.monotonic,
  });
  assert.equal((await looked()).ok, true);
  at.wall = NOW + MINUTE;
  at.monotonic = MINUTE;
  assert.match((await looked()).detail, /^last poll got through 60 s ago/);
  at.wall = NOW + 5 * MINUTE;
  at.monotonic = 5 * MINUTE;
  assert.equal((await looked()).ok, false);
});
