import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { total } from '../../../bench/lib/measure.ts';
import { allocate, meanLag } from '../../../src/poll/likelihood/allocate.ts';
import { Lag } from '../../../src/poll/likelihood/lag.ts';
import { makePlan, type Plan, type PlanInput } from '../../../src/poll/likelihood/plan.ts';
import { knownClasses, type Law, rankLaw, seenClasses } from './laws.ts';

const usual = { gameRequests: 0, intervalSeconds: 30, requestsPerMinute: 780 };

function ratio({ meanLagSeconds, oneFrequency }: Plan): number {
  return meanLagSeconds / oneFrequency.meanLagSeconds;
}

/** Requests a second that a plan takes. */
function requestsOf(plan: Plan, { gameRequests, requestsPerMinute }: PlanInput): number {
  const byId = total(plan.users.map(({ requests, seconds }) => requests / seconds));
  return byId + gameRequests / plan.pollSeconds + ((plan.sweep?.share ?? 0) * requestsPerMinute) / 60;
}

/** What the plan comes to among users whose true rates are known, as a ratio to one frequency for all. */
function trueRatio(law: Law, days: number, requestsPerMinute: number): number {
  const { classOfUser, classes } = seenClasses(law, days);
  const plan = makePlan({ ...usual, classes, requestsPerMinute });
  const secondsOf = (of: number) =>
    plan.users.find(({ classes: { first, last } }) => of >= first && of <= last)?.seconds ?? Number.NaN;
  const lag = total(law.map((rate, user) => (rate * secondsOf(classOfUser[user] as number)) / 2));
  return lag / total(law) / plan.oneFrequency.meanLagSeconds;
}

describe('the plan', () => {
  it('is one frequency for all as long as everything fits into the interval', () => {
    const classes = [
      { users: 30_000, goLivesADay: 0.001 },
      { users: 5_000, goLivesADay: 1 },
    ];
    const plan = makePlan({ ...usual, classes, gameRequests: 40 });
    assert.deepEqual(
      plan.users.map(({ users, seconds, timesAPoll }) => ({ users, seconds, timesAPoll })),
      [{ users: 35_000, seconds: 30, timesAPoll: 1 }],
    );
    assert.equal(plan.pollSeconds, 30);
    assert.notEqual(makePlan({ ...usual, classes, gameRequests: 41 }).users.length, 1);
  });

  for (const [users, exponent, expected] of [
    [100_000, 1.5, 0.33],
    [300_000, 1.5, 0.33],
    [1_000_000, 1.5, 0.33],
    [300_000, 1.2, 0.51],
    [300_000, 1, 0.64],
  ] as const) {
    it(`of ${users} users by rank^-${exponent} is ${expected} of one frequency, by calculation`, () => {
      const found = ratio(makePlan({ ...usual, classes: knownClasses(rankLaw(users, exponent)) }));
      assert.ok(Math.abs(found / expected - 1) < 0.04, `${found}`);
    });
  }

  it('goes by the square root of the go-lives', () => {
    const classes = [
      { users: 90_000, goLivesADay: 0.01 },
      { users: 10_000, goLivesADay: 0.16 },
    ];
    const [seldom, often] = makePlan({ ...usual, classes }).users;
    assert.ok(Math.abs((seldom?.seconds ?? 0) / (often?.seconds ?? 0) - 4) < 1e-3);
  });

  it('polls a class several times in one poll when its period is shorter, but not oftener than every 5 s', () => {
    const classes = [
      { users: 50_000, goLivesADay: 0.001 },
      { users: 400, goLivesADay: 1 },
    ];
    const often = makePlan({ ...usual, classes }).users.at(-1);
    assert.deepEqual([often?.users, often?.requests, often?.seconds, often?.timesAPoll], [400, 4, 5, 6]);
  });

  it('joins a class of a few users with its neighbour: they would cost a whole request', () => {
    const classes = [
      { users: 880, goLivesADay: 0.01 },
      { users: 10, goLivesADay: 0.2 },
      { users: 10, goLivesADay: 0.5 },
    ];
    const { users } = makePlan({ ...usual, classes, requestsPerMinute: 10 });
    assert.deepEqual(
      users.map((each) => each.users),
      [880, 20],
    );
  });

  it('keeps within DORMANT_MAX_SECONDS, or four rounds if nothing is set', () => {
    const classes = knownClasses(rankLaw(1_000_000, 1.5));
    const longest = (dormantMaxSeconds?: number) =>
      makePlan({ ...usual, classes, dormantMaxSeconds }).users[0]?.seconds;
    assert.equal(longest(900), 900);
    assert.equal(longest(100), longest(700), 'what cannot be kept is one frequency for all');
    const free = longest() ?? 0;
    assert.ok(free > 2_000 && free <= (4 * 1_000_000) / 1_300, `${free} s`);
  });

  it('puts games first, which show more go-lives a request than users do, and leaves something for these', () => {
    const classes = knownClasses(rankLaw(100_000, 1.5));
    const plan = (gameRequests: number) => makePlan({ ...usual, classes, gameRequests });
    assert.equal(plan(100).pollSeconds, 30);
    const many = plan(1_000);
    assert.ok(many.pollSeconds > 80 && many.pollSeconds < many.oneFrequency.seconds, `${many.pollSeconds} s`);
    const onlyGames = makePlan({ ...usual, classes: [], gameRequests: 1_300 });
    assert.deepEqual([onlyGames.users, Math.round(onlyGames.pollSeconds)], [[], 100]);
  });

  it('is never worse than one frequency, uses no more than the budget, and leaves nobody out', () => {
    const input = fc.record({
      classes: fc.array(
        fc.record({ users: fc.nat(300_000), goLivesADay: fc.double({ min: 0, max: 20, noNaN: true }) }),
        { maxLength: 6 },
      ),
      gameRequests: fc.oneof(fc.constant(0), fc.nat(2_000)),
      intervalSeconds: fc.integer({ min: 1, max: 600 }),
      requestsPerMinute: fc.integer({ min: 10, max: 5_000 }),
      dormantMaxSeconds: fc.option(fc.integer({ min: 60, max: 86_400 }), { nil: undefined }),
      directory: fc.option(
        fc.record({
          requests: fc.integer({ min: 1, max: 2_000 }),
          delaySeconds: fc.double({ min: 0, max: 1_000, noNaN: true }),
          recall: fc.double({ min: 0, max: 1, noNaN: true }),
        }),
        { nil: undefined },
      ),
    });
    fc.assert(
      fc.property(input, (given) => {
        const plan = makePlan(given);
        assert.ok(plan.meanLagSeconds <= plan.oneFrequency.meanLagSeconds, `${ratio(plan)}`);
        assert.ok(requestsOf(plan, given) <= (given.requestsPerMinute / 60) * (1 + 1e-6), 'budget');
        assert.equal(total(plan.users.map(({ users }) => users)), total(given.classes.map(({ users }) => users)));
        const floor = Math.max(given.dormantMaxSeconds ?? 0, plan.oneFrequency.seconds);
        for (const { seconds } of plan.users) {
          if (given.dormantMaxSeconds !== undefined) assert.ok(seconds <= floor * (1 + 1e-9), `${seconds} s`);
        }
        if (plan.sweep) assert.ok(plan.sweep.share <= 0.9, 'a tenth is asked for by id');
        else if (plan.users.length > 1 && given.gameRequests === 0) {
          const lives = plan.users.map(({ classes: { first, last } }) =>
            total(given.classes.slice(first, last + 1).map(({ users, goLivesADay }) => users * goLivesADay)),
          );
          const lag = total(plan.users.map(({ seconds }, i) => ((lives[i] as number) * seconds) / 2)) / total(lives);
          assert.ok(Math.abs(lag / plan.meanLagSeconds - 1) < 1e-6, 'the lag is that of its periods');
        }
      }),
      { numRuns: 150 },
    );
  });

  it('is never worse in truth either, with rates as they were seen', () => {
    const users = 20_000;
    const laws: [string, Law, most: number][] = [
      ['rank^-1.5', rankLaw(users, 1.5), 0.45],
      ['rank^-1.2', rankLaw(users, 1.2), 0.63],
      ['rank^-1.0', rankLaw(users, 1), 0.75],
      ['flat', Array(users).fill(0.1), 1.03],
      ['all hot', Array(users).fill(1), 1.03],
      ['all dormant', Array(users).fill(0.0005), 1.03],
      [
        'nobody ever',
        Array(users - 1)
          .fill(0)
          .concat(0.01),
        1.03,
      ],
    ];
    for (const [name, law, most] of laws) {
      const found = trueRatio(law, 40, 100);
      assert.ok(found <= most, `${name}: ${found}`);
    }
  });
});

describe('the plan with sweeps of the directory', () => {
  const classes = knownClasses(rankLaw(1_000_000, 1.5));
  const complete = { requests: 1_000, delaySeconds: 0, recall: 1 };
  const plan = (directory = complete, given: Partial<PlanInput> = {}) =>
    makePlan({ ...usual, classes, directory, ...given });

  it('finds the go-lives of a million users within 50 s on average', () => {
    const { meanLagSeconds, sweep, users } = plan();
    assert.ok(meanLagSeconds < 45, `${meanLagSeconds} s`);
    assert.ok(sweep && sweep.share > 0.5 && Math.abs(sweep.seconds * sweep.share * 13 - 1_000) < 1e-6);
    assert.ok((users[0]?.seconds ?? 0) <= 7_693, 'everyone by id within two hours');
  });

  it('gives the requests by id a greater share, the less the directory shows', () => {
    const shares = [1, 0.97, 0.8, 0.5].map((recall) => plan({ ...complete, recall }).sweep?.share ?? 0);
    assert.deepEqual(
      shares,
      shares.toSorted((a, b) => b - a),
    );
    assert.ok((shares[0] as number) > 2 * (shares[3] as number), shares.join(' '));
  });

  it('has the least mean lag of all shares of the budget', () => {
    const directory = { ...complete, recall: 0.8, delaySeconds: 20 };
    const shares = classes
      .filter(({ users }) => users > 0)
      .map(({ users, goLivesADay }) => ({
        requests: Math.ceil(users / 100),
        goLives: users * goLivesADay,
        leastSeconds: 5,
        mostSeconds: 7_692,
      }));
    const others = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8].map((share) => {
      const lag = new Lag({ ...directory, seconds: directory.requests / (share * 13) });
      const periods = allocate(shares, (1 - share) * 13, lag);
      return periods ? meanLag(shares, periods, lag) : Number.POSITIVE_INFINITY;
    });
    const { meanLagSeconds } = plan(directory);
    const [least, most] = [Math.min(...others), Math.max(...others)];
    assert.ok(meanLagSeconds <= least * 1.01 && least < most * 0.9, `${meanLagSeconds} s, others: ${others.join(' ')}`);
  });

  it('does without sweeps where they do not pay', () => {
    assert.equal(plan({ ...complete, recall: 0 }).sweep, undefined);
    assert.equal(plan({ ...complete, delaySeconds: 3_600 }).sweep, undefined);
    assert.equal(plan({ ...complete, requests: 100_000 }).sweep, undefined);
    assert.equal(plan(complete, { classes: knownClasses(rankLaw(60_000, 1.5)) }).sweep, undefined);
    assert.equal(plan(complete, { dormantMaxSeconds: 600 }).sweep, undefined);
  });

  it('pays from about a hundred thousand users on if they are alike', () => {
    const alike = (users: number) => plan(complete, { classes: [{ users, goLivesADay: 0.1 }] }).sweep;
    assert.equal(alike(90_000), undefined);
    assert.ok(alike(200_000));
  });
});
