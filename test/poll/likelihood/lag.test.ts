import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Lag, type SweepView } from '../../../src/poll/likelihood/lag.ts';

const views = fc.record({
  seconds: fc.double({ min: 1, max: 2_000, noNaN: true }),
  delaySeconds: fc.double({ min: 0, max: 500, noNaN: true }),
  recall: fc.double({ min: 0, max: 1, noNaN: true }),
});

/** The same as `Lag.mean`, by trying it on an even grid of go-lives. */
function tried({ seconds, delaySeconds, recall }: SweepView, period: number): number {
  const STEPS = 300;
  let sum = 0;
  for (let i = 0; i < STEPS; i++) {
    const byId = ((i + 0.5) / STEPS) * period;
    for (let j = 0; j < STEPS; j++) {
      const bySweep = delaySeconds + ((j + 0.5) / STEPS) * seconds;
      sum += recall * Math.min(byId, bySweep) + (1 - recall) * byId;
    }
  }
  return sum / STEPS ** 2;
}

describe('the mean lag', () => {
  it('is half of the period without sweeps, and a request is worth its square', () => {
    const lag = new Lag();
    assert.equal(lag.mean(60), 30);
    assert.equal(lag.gain(60), 60 ** 2 / 2);
    assert.ok(Math.abs(lag.periodFor(60 ** 2 / 2) - 60) < 1e-9);
  });

  it('is delay and half of a sweep when requests by id are rare', () => {
    const lag = new Lag({ seconds: 100, delaySeconds: 30, recall: 1 });
    assert.ok(Math.abs(lag.mean(1e9) - 80) < 1e-3);
    assert.equal(lag.periodFor(1e6), Number.POSITIVE_INFINITY);
  });

  it('is what trying it out comes to', () => {
    fc.assert(
      fc.property(views, fc.double({ min: 1, max: 10_000, noNaN: true }), (view, period) => {
        const [expected, mean] = [tried(view, period), new Lag(view).mean(period)];
        assert.ok(Math.abs(mean - expected) <= 0.01 * expected, `${mean}, tried: ${expected}`);
      }),
      { numRuns: 50 },
    );
  });

  it('grows with the period, and so does what a request is worth, of which the period is the inverse', () => {
    fc.assert(
      fc.property(views, fc.double({ min: 1, max: 10_000, noNaN: true }), (view, period) => {
        const lag = new Lag(view);
        assert.ok(lag.mean(period * 1.1) >= lag.mean(period) * (1 - 1e-9));
        assert.ok(lag.gain(period * 1.1) >= lag.gain(period) * (1 - 1e-9));
        // Where nothing is unseen any more, all periods are worth the same.
        const back = lag.periodFor(lag.gain(period));
        assert.ok(Math.abs(lag.gain(back) - lag.gain(period)) <= 1e-6 * lag.gain(period), `${back} for ${period}`);
      }),
    );
  });
});
