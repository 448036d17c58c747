import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { total } from '../../../bench/lib/measure.ts';
import { lapsOf, requestsInLap } from '../../../src/poll/likelihood/laps.ts';
import { makePlan, type Plan, type PlannedUsers } from '../../../src/poll/likelihood/plan.ts';
import { type Law, rankLaw, seenClasses } from './laws.ts';

/** Goes around the users of a group, and notes when each is asked for. */
class Ring {
  readonly planned: PlannedUsers;
  readonly #users: number[];
  readonly #askedAt: number[][];
  #next = 0;

  constructor(planned: PlannedUsers, classOfUser: readonly number[]) {
    const { first, last } = planned.classes;
    this.planned = planned;
    this.#users = [...classOfUser.keys()].filter((user) => {
      const of = classOfUser[user] as number;
      return of >= first && of <= last;
    });
    this.#askedAt = this.#users.map(() => []);
  }

  ask(at: number): void {
    const to = Math.min(this.#next + 100, this.#users.length);
    for (; this.#next < to; this.#next++) this.#askedAt[this.#next]?.push(at);
    if (to === this.#users.length) this.#next = 0;
  }

  /** The lag of its users, times their go-lives; and the longest time between two requests for one. */
  result(law: Law): { lag: number; longest: number } {
    let [lag, longest] = [0, 0];
    for (const [i, times] of this.#askedAt.entries()) {
      const gaps = times.slice(1).map((at, j) => at - (times[j] as number));
      longest = Math.max(longest, ...gaps);
      lag += ((law[this.#users[i] as number] as number) * total(gaps.map((gap) => gap ** 2 / 2))) / total(gaps);
    }
    return { lag, longest };
  }
}

function carryOut(plan: Plan, law: Law, classOfUser: readonly number[], perSecond: number) {
  const laps = lapsOf(plan);
  const rings = plan.users.map((planned) => new Ring(planned, classOfUser));
  const longestPlanned = Math.max(...plan.users.map(({ seconds }) => seconds));
  let [at, overrun] = [0, 0];
  for (let poll = 0; poll * plan.pollSeconds < 12 * longestPlanned; poll++) {
    const start = poll * plan.pollSeconds;
    at = Math.max(at, start);
    for (let lap = poll * laps; lap < (poll + 1) * laps; lap++) {
      for (const ring of rings) {
        for (let i = requestsInLap(ring.planned, laps, lap); i > 0; i--, at += 1 / perSecond) ring.ask(at);
      }
    }
    overrun = Math.max(overrun, at - start - plan.pollSeconds);
  }
  const results = rings.map((ring) => ring.result(law));
  return { lag: total(results.map(({ lag }) => lag)) / total(law), longest: results[0]?.longest ?? 0, overrun };
}

describe('the laps of a poll', () => {
  for (const [users, exponent, requestsPerMinute, intervalSeconds] of [
    [20_000, 1.5, 156, 30],
    [20_000, 1.5, 156, 2],
    [20_000, 1, 100, 20],
    [5_000, 1.5, 39, 30],
  ] as const) {
    it(`bring what was planned: ${users} users, rank^-${exponent}, ${requestsPerMinute} a minute, every ${intervalSeconds} s`, () => {
      const law = rankLaw(users, exponent);
      const { classOfUser, classes } = seenClasses(law, 40);
      const plan = makePlan({ classes, gameRequests: 0, intervalSeconds, requestsPerMinute });
      // The rates of the plan were seen, those of the law are true: so its lag is worked out again.
      const planned = plan.users.map(({ classes: { first, last }, seconds }) => {
        const goLives = law.filter((_, i) => (classOfUser[i] as number) >= first && (classOfUser[i] as number) <= last);
        return (total(goLives) * seconds) / 2;
      });
      const done = carryOut(plan, law, classOfUser, requestsPerMinute / 60);
      const off = (done.lag * total(law)) / total(planned) - 1;
      assert.ok(Math.abs(off) < 0.05, `the mean lag is ${done.lag} s, ${100 * off} % more than planned`);
      assert.ok(done.longest < (plan.users[0]?.seconds ?? 0) * 1.1, `${done.longest} s between two requests`);
      assert.ok(done.overrun * (requestsPerMinute / 60) <= plan.users.length + 1, `${done.overrun} s too long`);
    });
  }

  it('are one when all users are in each poll, or take turns', () => {
    const classes = [{ users: 20_000, goLivesADay: 0.1 }];
    const plan = (requestsPerMinute: number) =>
      makePlan({ classes, gameRequests: 0, intervalSeconds: 30, requestsPerMinute });
    for (const requestsPerMinute of [780, 60]) {
      const [users] = plan(requestsPerMinute).users;
      assert.equal(lapsOf(plan(requestsPerMinute)), 1);
      assert.ok(users && requestsInLap(users, 1, 1_000) === 200);
    }
  });
});
