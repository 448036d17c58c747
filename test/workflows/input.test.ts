import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ApplicationFailure } from '@temporalio/common';
import fc from 'fast-check';
import { newReport, noteFailedRequests, noteProblem, readLastReport } from '../../src/poll/report.ts';
import { checkInput } from '../../src/workflows/input.ts';

describe('the input of pollStreams', () => {
  it('may be empty or name any of its fields', () => {
    assert.deepEqual(checkInput({}), {});
    const input = { window: 20, batchesPerRun: 3, twitchTaskQueue: 'other' };
    assert.deepEqual(checkInput(input), input);
  });

  it('is refused with every wrong field named, and never retried', () => {
    const wrong = { window: 0, batchesPerRun: 'x', twitchTaskQueue: '', interval: 5 };
    assert.throws(
      () => checkInput(wrong),
      (error) =>
        error instanceof ApplicationFailure &&
        error.nonRetryable === true &&
        ['window: expected', 'batchesPerRun: expected', 'twitchTaskQueue: expected', 'interval: no such field'].every(
          (text) => error.message.includes(text),
        ),
    );
  });

  it('never fails in another way', () => {
    fc.assert(
      fc.property(fc.anything(), (input) => {
        try {
          checkInput(input);
        } catch (error) {
          assert.ok(error instanceof ApplicationFailure);
        }
      }),
    );
  });
});

describe('the report', () => {
  it('of the last poll is read with care: it may be of another version', () => {
    const unknown = {
      pollMs: 0,
      completeMs: 0,
      gameRequests: 0,
      turnMs: 0,
      turnFailed: false,
      hadAdvice: false,
      brokerAway: false,
    };
    assert.deepEqual(readLastReport(undefined), unknown);
    assert.deepEqual(
      readLastReport({ startedAt: 'yesterday', lastCompleteAt: 7, turn: 'x', gameRequests: {} }),
      unknown,
    );
    const report = {
      startedAt: '2026-01-01T00:00:30.000Z',
      lastCompleteAt: '2026-01-01T00:00:00.000Z',
      gameRequests: 7,
      handedOver: 2,
      turn: { startedAt: '2026-01-01T00:00:10.000Z', after: '123', failed: true },
    };
    assert.deepEqual(readLastReport(report), {
      pollMs: 1767225630000,
      completeMs: 1767225600000,
      gameRequests: 7,
      turnMs: 1767225610000,
      turnAfter: '123',
      turnFailed: true,
      hadAdvice: false,
      brokerAway: true,
    });
  });

  it('counts failed requests by kind and keeps a few distinct problems', () => {
    const report = newReport('p', 0);
    noteFailedRequests(report, ['server', 'server', 'rate_limited']);
    for (let i = 0; i < 9; i++) for (const text of ['same', `problem ${i}`, 'x'.repeat(999)]) noteProblem(report, text);
    assert.deepEqual(report.failedRequests, { server: 2, rate_limited: 1 });
    assert.equal(report.requests, 3);
    assert.equal(report.problems.length, 5);
    assert.ok(JSON.stringify(report).length < 2_000);
  });
});
