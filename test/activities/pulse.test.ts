import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Pulse } from '../../src/activities/attempt.ts';

function start() {
  const clocks = { monotonicMs: 1_000, wallMs: 1_000_000 };
  const pulse = new Pulse(() => ({ ...clocks }));
  /** Time goes by in steps, with a beat after each. */
  const pass = (ms: number, { monotonicMs = ms, wallMs = ms, beats = true } = {}) => {
    clocks.monotonicMs += monotonicMs;
    clocks.wallMs += wallMs;
    if (beats) pulse.beat();
  };
  return { pulse, pass, until: pulse.deadline(30_000) };
}

test('an activity may go on until the deadline as long as it beats', () => {
  const { pulse, pass, until } = start();
  for (let second = 1; second < 30; second += 1) {
    pass(1_000);
    assert.ok(pulse.isBefore(until), `${second} s`);
  }
  pass(1_000);
  assert.equal(pulse.isBefore(until), false);
});

test('whoever stood still by either clock has lost its time, also when it beats again before it looks', () => {
  for (const frozen of [{}, { monotonicMs: 0 }, { wallMs: 0 }, { beats: false }]) {
    const { pulse, pass, until } = start();
    pass(6_000, frozen);
    pass(100);
    assert.equal(pulse.isBefore(until), false, JSON.stringify(frozen));
    assert.equal(pulse.isBefore(pulse.deadline(30_000)), false, 'for all of the attempt');
  }
});

test('a wall clock that is set back takes nothing away and gives nothing', () => {
  const { pulse, pass, until } = start();
  pass(1_000, { wallMs: -3_600_000 });
  assert.ok(pulse.isBefore(until));
  for (let second = 0; second < 30; second += 1) pass(1_000);
  assert.equal(pulse.isBefore(until), false);
});
