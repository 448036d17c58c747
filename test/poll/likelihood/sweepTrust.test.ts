import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { makePlan } from '../../../src/poll/likelihood/plan.ts';
import {
  judgeSweep,
  NO_TRUST,
  type SweepResult,
  type SweepTrust,
  secondsToTrial,
} from '../../../src/poll/likelihood/sweepTrust.ts';

const usual = {
  classes: [{ users: 500_000, goLivesADay: 0.1 }],
  gameRequests: 0,
  intervalSeconds: 30,
  requestsPerMinute: 780,
};
const young = { live: 40, shown: 40 };
const good: SweepResult = { live: 1_000, shown: 980, young, delaySeconds: 20, requests: 1_000 };
const bad: Record<string, SweepResult> = {
  empty: { ...good, shown: 0, requests: 1 },
  truncated: { ...good, shown: 20, requests: 100 },
  'late by minutes': { ...good, delaySeconds: 900 },
  'standing still': { ...good, young: { live: 40, shown: 0 } },
  'full of duplicates': { ...good, requests: 20_000 },
};

function judge(trust: SweepTrust, ...sweeps: SweepResult[]): SweepTrust {
  return sweeps.reduce((before, sweep) => judgeSweep(before, sweep, usual), trust);
}

const trusted = judge(NO_TRUST, good, good, good);

describe('trust in sweeps', () => {
  it('comes with the third good one in a row', () => {
    assert.equal(judge(NO_TRUST, good, good).used, false);
    assert.equal(trusted.used, true);
    assert.equal(judge(NO_TRUST, good, good, bad.empty as SweepResult, good, good).used, false);
  });

  for (const [name, sweep] of Object.entries(bad)) {
    it(`goes with the second in a row that found the directory ${name}`, () => {
      const once = judge(trusted, sweep);
      assert.equal(once.used, true);
      assert.equal(judge(once, sweep).used, false);
      assert.equal(judge(once, good, sweep).used, true);
      assert.equal(judge(NO_TRUST, sweep, sweep, sweep, sweep).used, false);
    });
  }

  it('does not change by sweeps that met too few streams to tell anything', () => {
    assert.deepEqual(judge(trusted, { ...good, live: 10, shown: 0 }), trusted);
    const few = { ...good, young: { live: 5, shown: 0 } };
    assert.equal(judge(trusted, few, few, few).used, true);
  });

  it('remembers the directory, what is new with half of the weight, and nothing impossible', () => {
    const { directory } = judge(trusted, { live: 100, shown: 500, young, delaySeconds: -5, requests: 2_000 });
    assert.deepEqual(directory, { requests: 1_500, recall: 0.99, delaySeconds: 10 });
  });

  it('is never there after two bad sweeps, nor before three good ones', () => {
    const sweeps = fc.array(fc.boolean(), { maxLength: 30 });
    fc.assert(
      fc.property(sweeps, (all) => {
        let trust = NO_TRUST;
        for (const [i, isGood] of all.entries()) {
          trust = judge(trust, isGood ? good : (bad.empty as SweepResult));
          const latest = all.slice(0, i + 1);
          if (i >= 1 && !latest.at(-1) && !latest.at(-2)) assert.equal(trust.used, false);
          if (i >= 2 && latest.slice(-3).every(Boolean)) assert.equal(trust.used, true);
        }
      }),
    );
  });

  it('stays as it is between what begins and what ends it', () => {
    const between = { ...good, delaySeconds: 135 };
    const directory = { requests: 1_000, recall: 0.98, delaySeconds: 135 };
    const [without, plan] = [makePlan(usual), makePlan({ ...usual, directory })];
    assert.ok(plan.sweep && plan.meanLagSeconds * 1.1 > without.meanLagSeconds, `${plan.meanLagSeconds} s`);
    assert.equal(judge(NO_TRUST, between, between, between, between).used, false);
    assert.equal(judge(trusted, between, between, between, between).used, true);
  });
});

describe('trials', () => {
  it('take a fiftieth of the budget, and come the more rarely, the oftener they failed, but daily', () => {
    const after = (failedTrials: number, requests: number) =>
      secondsToTrial({ ...NO_TRUST, failedTrials }, requests, 780);
    assert.equal(Math.round(after(0, 1_000)), Math.round(1_000 / 13 / 0.02));
    assert.deepEqual([after(0, 1), after(1, 1), after(3, 1), after(50, 1)], [600, 1_200, 4_800, 86_400]);
  });

  it('count as failed one by one, and anew when sweeps have been used', () => {
    const once = judge(NO_TRUST, bad.empty as SweepResult);
    assert.deepEqual([once.failedTrials, judge(once, good).failedTrials], [1, 1]);
    assert.equal(trusted.failedTrials, 0);
    assert.equal(
      judge(trusted, bad['standing still'] as SweepResult, bad['standing still'] as SweepResult).failedTrials,
      1,
    );
  });
});
