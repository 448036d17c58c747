/**
 * How likely users are to go live, by what polls have seen of them. One whole number a user, and whole numbers all the way,
 * so that a script in the store comes to the same result: each quotient is rounded down, and nothing exceeds 2^53.
 */

/** One go-live, or one day, in the units that are counted in. */
const ONE = 256;
/** What is left of a count after a day, in 65,536ths: half of it after 28 days. */
const LEFT_A_DAY = 63_934;
const WHOLE = 65_536;
/** The days that count when a user has been watched for ever: the sum of what is left of all days. */
const DAYS_MOST = Math.floor((ONE * WHOLE) / (WHOLE - LEFT_A_DAY));
/** Nothing is left of the largest count. */
const DAYS_FORGOTTEN = 512;
const COUNT_MOST = WHOLE - 1;
/** What is taken for granted of everybody: a go-live in ten days, with the weight of three days that were watched. */
const PRIOR = { goLives: Math.round(0.3 * ONE), days: 3 * ONE };

/** Classes begin at these rates, in go-lives in a thousand days. More or finer classes bring next to nothing. */
export const CLASS_RATES = [20, 45, 100, 220, 500] as const;
/** From 0, where users hardly ever go live, to the one where they do so almost daily. */
export const CLASSES = CLASS_RATES.length + 1;

/** Days since 1970, in UTC. */
export function dayOf(ms: number): number {
  return Math.floor(ms / 86_400_000);
}

function faded(count: number, days: number): number {
  let left = days >= DAYS_FORGOTTEN ? 0 : count;
  for (let day = 0; day < days && left > 0; day++) left = Math.floor((left * LEFT_A_DAY) / WHOLE);
  return left;
}

/**
 * Counts a go-live.
 *
 * @param seen what was kept of the user's earlier ones, 0 if nothing @param day see {@link dayOf}
 * @returns what to keep: the count, faded up to its day, and that day
 */
export function noteGoLive(seen: number, day: number): number {
  // A clock that was set back makes nothing older.
  const on = Math.max(day, dayIn(seen));
  return on * WHOLE + Math.min(COUNT_MOST, faded(countIn(seen), on - dayIn(seen)) + ONE);
}

/**
 * A user's class.
 *
 * @param seen see {@link noteGoLive} @param addedDay when the user became a target
 */
export function classOf(seen: number, addedDay: number, day: number): number {
  const count = faded(countIn(seen), Math.max(0, day - dayIn(seen)));
  const days = Math.floor((DAYS_MOST * (WHOLE - faded(WHOLE, Math.max(0, day - addedDay)))) / WHOLE);
  const rate = Math.floor((1_000 * (count + PRIOR.goLives)) / (days + PRIOR.days));
  return CLASS_RATES.filter((least) => rate >= least).length;
}

function countIn(seen: number): number {
  return seen % WHOLE;
}

function dayIn(seen: number): number {
  return Math.floor(seen / WHOLE);
}
