import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { classRates, passDays } from '../../../src/poll/likelihood/classRates.ts';
import { CLASS_RATES, CLASSES } from '../../../src/poll/likelihood/rates.ts';

describe('the rates of the classes', () => {
  it('are those that the classes are meant for, until something was seen', () => {
    for (const [i, rate] of classRates([]).entries()) {
      assert.ok(
        rate * 1_000 >= (CLASS_RATES[i - 1] ?? 0) && rate * 1_000 <= (CLASS_RATES[i] ?? 1_000),
        `${i}: ${rate}`,
      );
    }
  });

  it('are what was seen of users while they were in the class, and become alike when these are', () => {
    const seen = Array.from({ length: CLASSES }, (_, i) => ({ goLives: 1_000 * (i + 1), userDays: 10_000 * (i + 1) }));
    for (const rate of classRates(seen)) assert.ok(Math.abs(rate / 0.1 - 1) < 0.2, `${rate}`);
  });

  it('count what is old the less, the older it is', () => {
    const seen = passDays([{ goLives: 1_000, userDays: 2_000 }], [0], 28);
    assert.deepEqual(seen, [{ goLives: 500, userDays: 1_000 }]);
  });

  it('count the days of all users, in whatever steps, and of classes that are new', () => {
    const users = [100, 50];
    const once = passDays([], users, 1);
    const inSteps = Array(24)
      .fill(1 / 24)
      .reduce((seen, days) => passDays(seen, users, days), []);
    for (const [i, { userDays }] of once.entries()) {
      assert.ok(Math.abs(inSteps[i].userDays / userDays - 1) < 0.03, `${inSteps[i].userDays} and ${userDays}`);
    }
  });
});
