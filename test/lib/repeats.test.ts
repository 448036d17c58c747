import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Repeats } from '../../src/lib/repeats.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

function clocked() {
  const clock = { ms: 0 };
  return { clock, repeats: new Repeats(2 * MINUTE_MS, () => clock.ms) };
}

describe('what repeats itself', () => {
  it('is told once, and again after ten minutes with how often it was not', () => {
    const { clock, repeats } = clocked();
    const told: (number | undefined)[] = [];
    for (; clock.ms <= 10 * MINUTE_MS; clock.ms += MINUTE_MS) told.push(repeats.struck('', 'away', 'refused'));
    assert.deepEqual(told, [0, ...Array(9).fill(undefined), 9]);
  });

  it('is the same with other numbers and ids, and another thing from elsewhere', () => {
    const { repeats } = clocked();
    assert.equal(repeats.struck('', 'tried 7 times', 'port 4711 at 1a2b3c4d-0000'), 0);
    assert.equal(repeats.struck('', 'tried 8 times', 'port 815 at 9f8e7d6c-1111'), undefined);
    assert.equal(repeats.struck('http', 'tried 9 times', 'port 815'), 0);
  });

  it('is told five times in ten minutes at most, whatever its causes are and however often it strikes', () => {
    const strikes = fc.array(fc.tuple(fc.string(), fc.integer({ min: 0, max: 3 * MINUTE_MS })), {
      minLength: 400,
      maxLength: 400,
      size: 'max',
    });
    fc.assert(
      fc.property(strikes, (all) => {
        const { clock, repeats } = clocked();
        const toldAt: number[] = [];
        let untold = 0;
        for (const [cause, pauseMs] of all) {
          // Never quiet for long enough to be over.
          clock.ms += Math.min(pauseMs, 2 * MINUTE_MS - 1);
          const before = repeats.struck('', 'away', cause);
          if (before === undefined) untold += 1;
          else {
            assert.equal(before, untold, 'whatever was not told is counted');
            untold = 0;
            toldAt.push(clock.ms);
          }
        }
        assert.ok(toldAt.length > 35);
        // An hour can begin in the middle of ten minutes.
        for (const [i, ms] of toldAt.entries()) assert.ok((toldAt[i + 35] ?? Number.POSITIVE_INFINITY) - ms >= HOUR_MS);
      }),
      { numRuns: 20 },
    );
  });

  it('is over when it was quiet for long, which is worth a word only if something was not told', () => {
    const { clock, repeats } = clocked();
    for (let i = 0; i < 3; i++) repeats.struck('', 'away', '');
    repeats.struck('', 'once', '');
    clock.ms = 2 * MINUTE_MS - 1;
    assert.deepEqual(repeats.ended(), []);
    clock.ms += 1;
    assert.deepEqual(repeats.ended(), [{ message: 'away', times: 3, sinceMs: 0 }]);
    assert.equal(repeats.size, 0);
    assert.equal(repeats.struck('', 'away', ''), 0, 'the next time is news');
  });

  it('of messages that are never the same, the oldest are forgotten', () => {
    const { repeats } = clocked();
    const letters = (i: number) => [...String(i)].map((digit) => String.fromCharCode(107 + Number(digit))).join('');
    for (let i = 0; i < 1_000; i++) repeats.struck('', letters(i), '');
    assert.equal(repeats.size, 200);
  });
});
