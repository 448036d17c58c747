import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { PollReport } from '../../src/poll/report.ts';
import type { Arrival } from '../support/mailbox.ts';
import type { FaultKind, FaultRecord } from './fault.ts';
import type { Evidence } from './ledger/evidence.ts';
import { judge } from './ledger/judge.ts';
import type { PollRecord } from './ledger/polls.ts';
import type { Sight, TargetName, TrueStream } from './ledger/truth.ts';

const MINUTE = 60_000;
/** When life begins. The streams of these tests start ten seconds later. */
const START = Date.parse('2026-01-01T12:00:00Z');
const FOREVER = Number.POSITIVE_INFINITY;

function stream(given: Partial<TrueStream> = {}): TrueStream {
  const fromMs = START + 10_000;
  const sights: Sight[] = [{ target: 'user:1', fromMs, toMs: FOREVER }];
  const looks = [{ login: 'one', gameId: '7', title: 'first' }];
  return { id: 's1', userId: '1', startedMs: fromMs, shownMs: fromMs, sights, looks, ...given };
}

function poll(startMs: number, given: Partial<PollRecord> & { failedBatches?: number } = {}): PollRecord {
  const { failedBatches = 0, ...rest } = given;
  const report = { failedBatches, incompleteBatches: 0, targets: 1, refused: 0 } as PollRecord['report'];
  const base = {
    workflowId: `poll-${startMs}`,
    runId: '01234567-0123-7123-8123-0123456789ab',
    startMs,
    endMs: startMs + 500,
    status: 'COMPLETED',
  };
  return { ...base, ...(report && { report }), ...rest };
}

function arrival(atMs: number, { pollId = 'p1', body = {}, messageId = 's1' } = {}): Arrival {
  const startedAt = new Date(START + 10_000).toISOString();
  const headers = {
    'x-stream-id': messageId,
    'x-poll-id': pollId,
    'x-detected-at': new Date(START + 11_000).toISOString(),
  };
  const fields = { user_id: '1', user_login: 'one', game_id: '7', title: 'first', started_at: startedAt, ...body };
  const told = { queue: 'stream.online', type: 'stream.online', content: Buffer.alloc(0) };
  return { ...told, atMs, messageId, body: fields, headers };
}

function fault(startMs: number, kind: Partial<FaultKind>, lastsMs = 2_000): FaultRecord {
  const whole: FaultKind = { name: 'fault', part: 'worker', strike: async () => undefined, ...kind };
  return {
    no: 1,
    wave: 1,
    kind: whole,
    startMs,
    endMs: startMs + lastsMs,
    recoveredMs: startMs + lastsMs,
    recoverySeconds: 0,
  };
}

function verdict(given: { streams?: TrueStream[] } & Partial<Omit<Evidence, 'streams'>>) {
  const { streams = [stream()], ...rest } = given;
  return judge({
    addedMs: START,
    firstSight: 'announce',
    targets: 1,
    streams: new Map(streams.map((each) => [each.id, each])),
    arrivals: [],
    polls: [poll(START + 11_000)],
    readBy: new Map(),
    firstServedAtMs: () => undefined,
    faults: [],
    doubts: [],
    ...rest,
  });
}

describe('what is lost', () => {
  it('is a stream that a user target showed throughout a complete poll and that did not arrive, even if never served', () => {
    assert.deepEqual(
      verdict({}).lost.map(({ streamId }) => streamId),
      ['s1'],
    );
    assert.deepEqual(verdict({ arrivals: [arrival(START + 12_000)] }).lost, []);
  });

  it('is not what no complete poll was shown', () => {
    const brief = stream({ sights: [{ target: 'user:1', fromMs: START + 10_000, toMs: START + 11_200 }] });
    for (const given of [
      { streams: [brief] },
      { polls: [poll(START + 11_000, { failedBatches: 1 })] },
      { polls: [poll(START + 11_000, { status: 'CANCELLED' })] },
      { faults: [fault(START + 11_000, { hides: true })] },
    ]) {
      const { lost, missed } = verdict(given);
      assert.deepEqual([lost, missed['not polled']], [[], ['s1']]);
    }
  });

  it('is not what only a target showed that was refused or removed meanwhile, also if a page with it was read', () => {
    const doubt = (target: TargetName) => ({
      targets: new Set([target]),
      removed: false,
      fromMs: START + 11_400,
      toMs: START + 12_000,
    });
    const readBy = new Map([['s1', new Set([`poll-${START + 11_000}:0123456789ab`])]]);
    for (const given of [{}, { readBy }]) {
      const { lost, missed } = verdict({ ...given, doubts: [doubt('user:1')] });
      assert.deepEqual([lost, missed['not polled']], [[], ['s1']]);
    }
    assert.equal(verdict({ doubts: [doubt('user:2')] }).lost.length, 1, 'nor does it excuse others');
    const game: Sight = { target: 'game:7', fromMs: START + 10_000, toMs: FOREVER };
    const both = stream({ sights: [...stream().sights, game] });
    const firstServedAtMs = () => START + 11_200;
    assert.equal(verdict({ streams: [both], firstServedAtMs, doubts: [doubt('user:1')] }).lost.length, 1);
  });

  it('is not what had started before its target was added again, with FIRST_SIGHT=silent', () => {
    const target: TargetName = 'user:1';
    const doubts = [{ targets: new Set([target]), removed: true, fromMs: START + 10_500, toMs: START + 10_800 }];
    assert.equal(verdict({ doubts }).lost.length, 1);
    const { lost, missed } = verdict({ doubts, firstSight: 'silent' });
    assert.deepEqual([lost, missed.suppressed], [[], ['s1']]);
    const later = stream({ startedMs: START + 10_900 });
    assert.equal(verdict({ streams: [later], doubts, firstSight: 'silent' }).lost.length, 1);
  });

  it('is not a set of targets that Twitch refuses: a poll is complete without them', () => {
    const report = { failedBatches: 0, incompleteBatches: 0, targets: 1, refused: 2 } as unknown as PollReport;
    assert.equal(verdict({ targets: 3, polls: [poll(START + 11_000, { report })] }).lost.length, 1);
    assert.equal(verdict({ targets: 4, polls: [poll(START + 11_000, { report })] }).lost.length, 0);
  });

  it('is what a complete poll has read, however briefly it was visible', () => {
    const brief = stream({ sights: [{ target: 'game:7', fromMs: START + 10_000, toMs: START + 11_200 }] });
    const readBy = new Map([['s1', new Set([`poll-${START + 11_000}:0123456789ab`])]]);
    assert.equal(verdict({ streams: [brief], readBy }).lost.length, 1);
    assert.equal(verdict({ streams: [brief] }).lost.length, 0);
  });

  it('is what a poll with failed batches has read, unless its pages may have been lost', () => {
    const polls = [poll(START + 11_000, { failedBatches: 1 })];
    const readBy = new Map([['s1', new Set([`poll-${START + 11_000}:0123456789ab`])]]);
    assert.equal(verdict({ polls, readBy }).lost.length, 1);
    for (const part of ['worker', 'store'] as const) {
      const { lost, missed } = verdict({ polls, readBy, faults: [fault(START + 10_500, { part })] });
      assert.deepEqual([lost, missed['not polled']], [[], ['s1']]);
    }
  });

  it('is not an old stream that is suppressed by a store without its state, unless a poll was through with it before', () => {
    const old = stream({ startedMs: START - 30 * MINUTE });
    const loss = fault(START + 10_500, { loses: true });
    const polls = [poll(START + 20_000)];
    assert.deepEqual(verdict({ streams: [old], polls, faults: [loss] }).missed.suppressed, ['s1']);
    assert.equal(verdict({ polls, faults: [loss] }).lost.length, 1);
    const earlier = [poll(START + 11_000), ...polls];
    assert.equal(
      verdict({ streams: [old], polls: earlier, faults: [fault(START + 15_000, { loses: true })] }).lost.length,
      1,
    );
  });

  it('is not a stream that ended before the claim of a terminated poll ran out', () => {
    const terminated = poll(START + 11_000, { status: 'TERMINATED', workflowId: 'gone' });
    const readBy = new Map([['s1', new Set(['gone:0123456789ab'])]]);
    const polls = [terminated, poll(START + 20_000)];
    assert.deepEqual(verdict({ polls, readBy }).missed['claimed by a terminated poll'], ['s1']);
    assert.equal(verdict({ polls: [...polls, poll(START + 2 * MINUTE)], readBy }).lost.length, 1);
  });

  it('is not a stream that a poll was comparing when the store lost everything, unless a later poll saw it as new', () => {
    const comparing = poll(START + 11_000, { failedBatches: 1, workflowId: 'hit', endMs: START + 25_000 });
    const readBy = new Map([['s1', new Set(['hit:0123456789ab'])]]);
    const loss = fault(START + 20_000, { loses: true, part: 'store' });
    const brief = stream({ sights: [{ target: 'user:1', fromMs: START + 10_000, toMs: START + 16_000 }] });
    const polls = [comparing, poll(START + 15_000)];
    const given = { streams: [brief], polls, readBy, faults: [loss] };
    assert.deepEqual(verdict(given).missed['claim lost with the store'], ['s1']);
    assert.equal(verdict({ ...given, streams: [stream()], polls: [...polls, poll(START + 30_000)] }).lost.length, 1);
    const through = poll(START + 11_000, { workflowId: 'hit', endMs: START + 25_000 });
    assert.equal(verdict({ ...given, polls: [through, poll(START + 15_000)] }).lost.length, 1);
  });
});

describe('what is unexpected', () => {
  it('is a message of a stream that is unknown, that no target showed, or that looked otherwise', () => {
    const arrivals = [arrival(START + 12_000)];
    assert.deepEqual(verdict({ arrivals }).unexpected, []);
    assert.equal(verdict({ streams: [], arrivals }).unexpected.length, 1);
    assert.equal(verdict({ streams: [stream({ sights: [] })], arrivals }).unexpected.length, 1);
    assert.equal(verdict({ arrivals: [arrival(START + 12_000, { body: { title: 'second' } })] }).unexpected.length, 1);
    assert.equal(verdict({ arrivals: [arrival(START + 12_000, { body: { viewers: 5 } })] }).unexpected.length, 1);
  });

  it('is a stream from before its target, with FIRST_SIGHT=silent', () => {
    const given = { addedMs: START + MINUTE, arrivals: [arrival(START + 12_000)] };
    assert.equal(verdict({ ...given, firstSight: 'silent' }).unexpected.length, 1);
    assert.equal(verdict({ ...given, firstSight: 'announce' }).unexpected.length, 0);
  });
});

describe('a repeat', () => {
  const twice = (pollId: string, secondMs = START + 22_000) => [arrival(START + 12_000), arrival(secondMs, { pollId })];

  it('needs a fault between the two that may lead to one', () => {
    assert.equal(verdict({ arrivals: twice('p1') }).repeatedOtherwise.length, 1);
    const allowed = verdict({ arrivals: twice('p1'), faults: [fault(START + 12_000, { mayRepeat: true })] });
    assert.deepEqual([allowed.repeats.length, allowed.repeatedOtherwise.length], [1, 0]);
    assert.equal(verdict({ arrivals: twice('p1'), faults: [fault(START + 12_000, {})] }).repeatedOtherwise.length, 1);
    assert.equal(
      verdict({ arrivals: twice('p1'), faults: [fault(START + 30_000, { mayRepeat: true })] }).repeatedOtherwise.length,
      1,
    );
  });

  it('by another poll needs a store that lost its state, and a stream that is young enough', () => {
    const kill = fault(START + 12_000, { mayRepeat: true });
    const loss = fault(START + 12_000, { mayRepeat: true, loses: true });
    assert.equal(verdict({ arrivals: twice('p2'), faults: [kill] }).repeatedOtherwise.length, 1);
    assert.equal(verdict({ arrivals: twice('p2'), faults: [loss] }).repeats.length, 1);
    const old = stream({ startedMs: START - 30 * MINUTE });
    assert.equal(verdict({ streams: [old], arrivals: twice('p2'), faults: [loss] }).repeatedOtherwise.length, 1);
  });
});

describe('the order of a broadcaster’s streams', () => {
  it('counts as broken only where no fault held the earlier one up', () => {
    const later = stream({
      id: 's2',
      shownMs: START + 20_000,
      sights: [{ target: 'user:1', fromMs: START + 20_000, toMs: FOREVER }],
    });
    const streams = [stream(), later];
    const arrivals = [arrival(START + 21_000, { messageId: 's2' }), arrival(START + 25_000)];
    assert.deepEqual(
      verdict({ streams, arrivals }).disordered.map(({ streamId }) => streamId),
      ['s2'],
    );
    const held = verdict({ streams, arrivals, faults: [fault(START + 15_000, {})] });
    assert.deepEqual([held.disordered.length, held.disorderedUnderFaults], [0, 1]);
  });
});
