import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lifetimeClock } from '../../src/twitch/clock.ts';

const START = Date.UTC(2026, 0, 1);

function clocks() {
  const at = { wall: START, monotonic: 5_000 };
  const lifetime = lifetimeClock(
    () => at.wall,
    () => at.monotonic,
  );
  const pass = (ms: number, leap = 0) => {
    at.monotonic += ms;
    at.wall += ms + leap;
    return lifetime() - START;
  };
  return { lifetime, pass };
}

test('a clock for lifetimes goes on as time does', () => {
  const { lifetime, pass } = clocks();
  assert.equal(lifetime(), START);
  assert.equal(pass(30_000), 30_000);
  assert.equal(pass(0.75), 30_001);
});

test('it goes on although the wall clock is set back, and counts a sleep of the machine once', () => {
  const { pass } = clocks();
  assert.equal(pass(1_000, -3_600_000), 1_000);
  assert.equal(pass(1_000), 2_000);
  // The machine slept: the wall clock alone went on.
  assert.equal(pass(1_000, 7_200_000), 7_203_000);
  assert.equal(pass(1_000), 7_204_000);
});

test('read however often, it does not run faster than time', () => {
  const at = { wall: 0, monotonic: 0 };
  const lifetime = lifetimeClock(
    () => Math.floor(at.wall),
    () => at.monotonic,
  );
  for (let i = 0; i < 10_000; i++) {
    at.wall += 0.3;
    at.monotonic += 0.3;
    lifetime();
  }
  assert.ok(Math.abs(lifetime() - 3_000) < 2, `${lifetime()}`);
});
