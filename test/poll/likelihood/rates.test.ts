import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { CLASSES, classOf, dayOf, noteGoLive } from '../../../src/poll/likelihood/rates.ts';

const TODAY = dayOf(Date.parse('2026-01-01T12:00:00Z'));
const LONG_AGO = TODAY - 3_650;

/** What is kept of a user that went live on each of the days. */
function after(days: readonly number[]): number {
  return days.reduce((seen, day) => noteGoLive(seen, day), 0);
}

function every(days: number, times: number): number[] {
  return Array.from({ length: times }, (_, i) => TODAY - (times - 1 - i) * days);
}

describe('the class of a user', () => {
  it('is the top one for who goes live daily, and the lowest for who was never seen', () => {
    assert.equal(classOf(after(every(1, 60)), LONG_AGO, TODAY), CLASSES - 1);
    assert.equal(classOf(0, LONG_AGO, TODAY), 0);
  });

  it('falls with the days between two go-lives', () => {
    const classes = [1, 3, 7, 14, 90].map((days) => classOf(after(every(days, 40)), LONG_AGO, TODAY));
    assert.deepEqual(classes, [5, 4, 3, 2, 1]);
  });

  it('is a middle one for a new user, and falls within three weeks without a go-live', () => {
    assert.equal(classOf(0, TODAY, TODAY), 3);
    assert.equal(classOf(0, TODAY - 21, TODAY), 0);
  });

  it('rises to the top within a week for a new user who goes live daily', () => {
    assert.equal(classOf(after(every(1, 6)), TODAY - 6, TODAY), CLASSES - 1);
  });

  it('falls to the lowest when somebody stops', () => {
    const seen = after(every(1, 60));
    const classes = [0, 28, 84, 140, 365, 100_000].map((later) => classOf(seen, LONG_AGO, TODAY + later));
    assert.deepEqual(classes, [5, 4, 2, 1, 0, 0]);
  });

  it('is one of the classes, whatever is kept, and more go-lives never make it lower', () => {
    const day = fc.integer({ min: 0, max: 40_000 });
    fc.assert(
      fc.property(fc.array(day, { maxLength: 400 }), day, day, (days, added, now) => {
        const seen = after(days);
        assert.ok(Number.isSafeInteger(seen) && seen >= 0, String(seen));
        const before = classOf(seen, added, now);
        assert.ok(Number.isInteger(before) && before >= 0 && before < CLASSES);
        assert.ok(classOf(noteGoLive(seen, now), added, now) >= before);
      }),
    );
  });

  it('does not change when a clock was set back', () => {
    const seen = after(every(1, 10));
    assert.equal(noteGoLive(seen, TODAY - 100), noteGoLive(seen, TODAY));
    assert.equal(classOf(seen, LONG_AGO, TODAY - 100), classOf(seen, LONG_AGO, TODAY));
  });
});
