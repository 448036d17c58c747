import { goLivesADay } from '../../../bench/lib/heavyTailed.ts';
import { total } from '../../../bench/lib/measure.ts';
import { Random } from '../../../sandbox/twitch/random.ts';
import { classRates, passDays } from '../../../src/poll/likelihood/classRates.ts';
import type { UserClass } from '../../../src/poll/likelihood/plan.ts';
import { CLASSES, classOf, noteGoLive } from '../../../src/poll/likelihood/rates.ts';

/** Go-lives a day of each user. */
export type Law = readonly number[];

/** One user in a hundred streams daily, the others the less, the lower they rank. */
export function rankLaw(users: number, exponent: number): Law {
  return Array.from({ length: users }, (_, i) => goLivesADay(i + 1, users, exponent));
}

/** Users in classes by their true rates, each class 2.5 times as likely as the one below. */
export function knownClasses(law: Law): UserClass[] {
  const classes = Array.from({ length: 10 }, () => [] as number[]);
  for (const rate of law) classes[9 - Math.min(9, Math.floor(-Math.log(rate) / Math.log(2.5)))]?.push(rate);
  return classes.map((rates) => ({
    users: rates.length,
    goLivesADay: rates.length === 0 ? 0 : total(rates) / rates.length,
  }));
}

/** Users in classes by what was seen of them on some days, with rates by what was seen of the classes in as many days more. */
export function seenClasses(law: Law, days: number, random = new Random(5)) {
  const classes: number[] = law.map((rate) => {
    let seen = 0;
    for (const day of goLives(rate, days, random)) seen = noteGoLive(seen, 20_000 + day);
    return classOf(seen, 20_000, 20_000 + days);
  });
  const users = Array.from({ length: CLASSES }, (_, i) => classes.filter((each) => each === i).length);
  let seen = users.map(() => ({ goLives: 0, userDays: 0 }));
  for (let day = 0; day < days; day++) {
    seen = passDays(seen, users, 1);
    for (const [user, rate] of law.entries()) {
      const of = seen[classes[user] as number] as { goLives: number };
      of.goLives += [...goLives(rate, 1, random)].length;
    }
  }
  const rates = classRates(seen);
  return { classOfUser: classes, classes: users.map((each, i) => ({ users: each, goLivesADay: rates[i] as number })) };
}

function* goLives(rate: number, days: number, random: Random): Generator<number> {
  if (rate === 0) return;
  for (let at = random.exponential(1 / rate); at < days; at += random.exponential(1 / rate)) yield Math.floor(at);
}
