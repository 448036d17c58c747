import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ConsumeMessage } from 'amqplib';
import fc from 'fast-check';
import { describeObservations } from '../../src/cli/status/command.ts';
import { formatEvent, readMessage, type WatchedEvent } from '../../src/cli/watch/watch.ts';
import { ago, counted, duration, printable } from '../../src/lib/words.ts';
import type { StreamEvent } from '../../src/poll/model.ts';
import { readReport, reportLines } from '../../src/poll/reportWords.ts';
import { toMessage } from '../../src/publisher/message.ts';
import { findProblems } from '../../src/status/problems.ts';
import type { ScheduleState } from '../../src/temporal/schedule/state.ts';

test('durations are shown with the units that matter', () => {
  const shown = [0, 340, 3_100, 3_000, 59_940, 59_960, 125_000, 120_000, 12_000_000, 187_200_000, -3_100].map(duration);
  const expected = ['0 ms', '340 ms', '3.1 s', '3 s', '59.9 s', '1 min', '2 min 5 s', '2 min', '3 h 20 min', '2 d 4 h'];
  assert.deepEqual(shown, [...expected, '-3.1 s']);
  assert.equal(ago('2026-01-01T00:00:00Z', Date.parse('2026-01-01T00:00:12.4Z')), '12 s ago');
  assert.equal(counted(1, 'batch', 'batches'), '1 batch');
  assert.equal(counted(2_000, 'user'), '2,000 users');
});

test('a duration never shows 60 of a unit', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1_000_000_000 }), (ms) => {
      assert.doesNotMatch(duration(ms), /\b60(\.0)? (s|min)\b|\b24 h\b|\b1000 ms\b/);
    }),
  );
});

const stream: StreamEvent = {
  id: '42',
  userId: '141981764',
  userLogin: 'pixelpanda',
  gameId: '509658',
  title: 'Hello\u001b[2J \u202eworld\n',
  startedAt: '2026-01-01T12:00:00Z',
  reason: 'started',
  detectedAt: '2026-01-01T12:00:02.000Z',
};

function received(event: StreamEvent): WatchedEvent {
  const { content, properties } = toMessage(event, 'poll-1');
  const message = { content, properties, fields: {} } as unknown as ConsumeMessage;
  const read = readMessage(message, new Date('2026-01-01T12:00:03.100Z'));
  assert.ok(read);
  return read;
}

test('an event is one line that titles can’t break, and one JSON object', () => {
  const event = received(stream);
  assert.match(
    formatEvent(event),
    /^\d\d:\d\d:03 {2}pixelpanda {2}started {2}game 509658 {2}"Hello \[2J world" {2}https:\/\/twitch\.tv\/pixelpanda {2}3\.1 s after start$/,
  );
  assert.deepEqual(event, {
    user_id: '141981764',
    user_login: 'pixelpanda',
    game_id: '509658',
    title: stream.title,
    started_at: stream.startedAt,
    message_id: '42',
    reason: 'started',
    detected_at: stream.detectedAt,
    poll_id: 'poll-1',
    received_at: '2026-01-01T12:00:03.100Z',
  });
  const bare = received({ ...stream, userLogin: '', gameId: '', title: '', reason: 'entered_game' });
  assert.match(
    formatEvent(bare),
    / {2}user 141981764 {2}entered the game {2}no game {2}no title {2}3\.1 s after start$/,
  );
});

test('whatever a message holds, reading and showing it never fails', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), fc.option(fc.object(), { nil: undefined }), (text, headers) => {
      const message = { content: Buffer.from(text), properties: { headers }, fields: {} } as unknown as ConsumeMessage;
      const event = readMessage(message, new Date());
      if (event) assert.doesNotMatch(formatEvent(event), /[\p{Cc}]/u);
    }),
  );
  assert.equal(printable('a\r\nb\u0007 '), 'a b');
});

const report = {
  pollId: 'p',
  startedAt: '2026-01-01T12:00:00Z',
  durationMs: 1_000,
  targets: 200,
  batches: 2,
  requests: 5,
  live: 3,
  announced: 1,
  ended: 0,
  failedBatches: 1,
  handedOver: 2,
  failedRequests: { server: 2, network: 1 },
  problems: ['batch 1: no answer'],
};

test('a report says what went wrong, whichever version wrote it', () => {
  const known = readReport(report);
  assert.ok(known);
  assert.deepEqual(reportLines(known), [
    '200 targets in 2 batches, 5 requests in 1 s; 3 live, 1 announced, 0 ended',
    '2 events handed over for delivery when the broker is back',
    '1 batch not polled',
    'failed requests: 2 server, 1 network',
    'batch 1: no answer',
  ]);
  assert.equal(readReport(undefined), undefined);
  assert.equal(readReport('text'), undefined);
});

const run = {
  workflowId: 'poll-streams-1',
  runId: '01a20000-0000-7000-8000-000000000001',
  scheduledAt: '2026-01-01T12:00:00Z',
  startedAt: '2026-01-01T12:00:00Z',
  closedAt: '2026-01-01T12:00:01Z',
  status: 'COMPLETED',
};
const schedule: ScheduleState = {
  id: 'stream-poller',
  paused: false,
  note: '',
  intervalSeconds: 30,
  remainingActions: undefined,
  nextRuns: ['2026-01-01T12:00:30Z'],
  waiting: 0,
  runs: [run],
  lastCompleted: { run, report: { ...report, failedBatches: 0 } },
  counters: { started: 1, skippedForOverlap: 0, missed: 0 },
};
const well = {
  schedule,
  workers: [
    { taskQueue: 'stream-poller', workers: 1 },
    { taskQueue: 'twitch-helix', workers: 1 },
  ],
  deliveries: 0,
  targets: { user: 200, game: 0 },
  live: 3,
  queues: { 'stream.online': { messages: 0, consumers: 1 }, 'stream.online.dead': { messages: 0, consumers: 0 } },
  deadQueue: 'stream.online.dead',
  failures: [],
};
const now = Date.parse('2026-01-01T12:00:15Z');

test('each problem is found, and said with what to do', () => {
  assert.deepEqual(findProblems(well, now), []);
  const found = (change: object, atMs = now) =>
    findProblems({ ...well, ...change }, atMs).map(({ problem }) => problem);
  assert.deepEqual(found({ failures: ['no answer'] }), ['no answer']);
  assert.deepEqual(found({ workers: well.workers.map((each) => ({ ...each, workers: 0 })) }), ['no worker is running']);
  assert.deepEqual(found({ workers: [well.workers[0], { taskQueue: 'twitch-helix', workers: 0 }] }), [
    'no worker is running on the task queue twitch-helix',
  ]);
  assert.deepEqual(found({ schedule: null }), ['there is no schedule, so that nothing is polled']);
  assert.deepEqual(found({ schedule: { ...schedule, paused: true, note: 'why' } }), ['polling is paused (why)']);
  assert.deepEqual(found({ schedule: { ...schedule, remainingActions: 0 } }), [
    'the schedule has used up its limited number of polls',
  ]);
  assert.deepEqual(
    found({ schedule: { ...schedule, lastFailure: { run: { ...run, status: 'TIMED_OUT' }, message: 'm' } } }),
    ['the last poll timed out: m'],
  );
  assert.deepEqual(found({ schedule: { ...schedule, lastCompleted: { run, report } } }), [
    'the last poll did not reach 1 of 2 batches: batch 1: no answer',
  ]);
  assert.deepEqual(found({}, now + 120_000), ['the last poll ended 2 min 14 s ago']);
  const stuck = { ...run, status: 'RUNNING', waitingSince: run.startedAt };
  assert.deepEqual(found({ schedule: { ...schedule, runs: [stuck, run] } }), [
    'no worker has taken up the running poll for 15 s',
  ]);
  const retrying = { step: 'publishStreams', attempt: 7, message: 'no connection' };
  const running = { ...run, status: 'RUNNING', retrying };
  assert.deepEqual(found({ schedule: { ...schedule, runs: [running, run] } }), [
    'the running poll is stuck at attempt 7 of publishStreams: no connection',
  ]);
  const soon = { ...running, retrying: { ...retrying, attempt: 2 } };
  assert.deepEqual(found({ schedule: { ...schedule, runs: [soon, run] } }), []);
  assert.deepEqual(found({ targets: { user: 0, game: 0 } }), ['there are no targets to watch']);
  assert.deepEqual(found({ refused: { count: 3, first: ['user abc', 'user x'] } }), [
    'Twitch refuses 3 targets, which are not polled: user abc, user x',
  ]);
  assert.deepEqual(found({ refused: { count: 0, first: [] } }), []);
  assert.deepEqual(found({ deliveries: 1 }), ['1 delivery of events waits for RabbitMQ']);
  assert.deepEqual(found({ queues: { ...well.queues, 'stream.online': null } }), [
    'the queue stream.online does not exist',
  ]);
  assert.match(
    found({ queues: { ...well.queues, 'stream.online.dead': { messages: 2, consumers: 0 } } })[0] ?? '',
    /^2 messages in stream\.online\.dead: /,
  );
  for (const { advice } of findProblems({ failures: ['x'], schedule: null, deliveries: 2 }, now))
    assert.notEqual(advice, '');
});

test('a poll that takes longer than the interval is not late', () => {
  const long = { ...run, closedAt: '2026-01-01T12:13:00Z' };
  const slow = { ...schedule, lastCompleted: { run: long, report: { ...report, failedBatches: 0 } } };
  assert.deepEqual(findProblems({ ...well, schedule: slow }, Date.parse('2026-01-01T12:30:00Z')), []);
});

test('what was observed is shown a line each, and what was not is left out', () => {
  assert.match(
    describeObservations(well, now).join('\n'),
    /^schedule {3}running, a poll every 30 s, next at \d\d:\d\d:30\nlast poll {2}14 s ago: 200 targets/,
  );
  assert.deepEqual(describeObservations({ failures: [], live: 1 }, now), ['live       1 stream']);
});
