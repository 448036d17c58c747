import { IDS_PER_REQUEST } from '../model.ts';
import { allocate, meanLag, type Share } from './allocate.ts';
import { Lag, type SweepView } from './lag.ts';

export interface PlanInput {
  /** Users by class, the least likely first, without those that Twitch refuses; go-lives a day of one user, on average. */
  classes: readonly UserClass[];
  /** Requests that the game targets take, all pages. */
  gameRequests: number;
  intervalSeconds: number;
  requestsPerMinute: number;
  /** The longest time between two requests for a user. Absent: a quarter of an hour, or as many rounds as cost little. */
  dormantMaxSeconds?: number | undefined;
  /** Absent: no sweeps. */
  directory?: Directory | undefined;
}

export interface UserClass {
  users: number;
  goLivesADay: number;
}

/** The list of all live streams, as sweeps have found it. */
export interface Directory extends Pick<SweepView, 'delaySeconds' | 'recall'> {
  /** Requests that one sweep takes. */
  requests: number;
}

export interface Plan {
  /** Users that are asked for equally often, the least likely first. One entry: there is one frequency for all. */
  users: PlannedUsers[];
  /** From the beginning of one poll to that of the next. Games are in each, and so are all users if there is one frequency. */
  pollSeconds: number;
  sweep?: PlannedSweep;
  /** Mean over all go-lives, those in games included: what the plan makes least. */
  meanLagSeconds: number;
  /** Mean over the go-lives of users. */
  userLagSeconds: number;
  /** What one frequency for everything comes to. */
  oneFrequency: { seconds: number; meanLagSeconds: number };
}

export interface PlannedUsers {
  /** Their classes, by places in the input. */
  classes: { first: number; last: number };
  users: number;
  /** Requests that ask for all of them once. */
  requests: number;
  /** From one request for a user to the next. */
  seconds: number;
  /** How often each is asked for in one poll; below 1, they take turns that go on from poll to poll. */
  timesAPoll: number;
}

export interface PlannedSweep {
  /** From the beginning of one sweep to that of the next. */
  seconds: number;
  /** Part of the budget that it takes. */
  share: number;
}

/** Nobody is asked for oftener: Twitch's answers were seen to be up to minutes old, so that more requests show nothing new. */
const LEAST_SECONDS = 5;
/** Unless it is set, each user is asked for within so many seconds, or so many rounds of everything if that is longer. */
const FLOOR = { seconds: 900, rounds: 4, roundsBesideSweeps: 10 };
/** What sweeps may take of the budget. The rest is for requests by id, so that what no sweep shows is found. */
const SWEEP_PERCENT_MOST = 90;
/** A page of a game's list shows a hundred streams that last about four hours: more go-lives than a hundred users have. */
const GO_LIVES_A_GAME_PAGE = 600;
/** What gains less is not worth its turns, or its sweeps. */
const LEAST_GAIN = 0.02;

interface Group extends Share {
  /** Absent for games. */
  users?: Pick<PlannedUsers, 'classes' | 'users'>;
}

interface Draft {
  groups: Group[];
  /** Seconds, by group. */
  periods: number[];
  meanLagSeconds: number;
  userLagSeconds: number;
  sweep?: PlannedSweep;
}

/**
 * Splits the budget so that go-lives are found as soon as can be, on average. While everything can be asked for in each
 * interval, everything is. Never worse than one frequency for all, whatever the classes are.
 */
export function makePlan(input: PlanInput): Plan {
  const { intervalSeconds, requestsPerMinute, directory } = input;
  const perSecond = requestsPerMinute / 60;
  const last = Math.max(0, input.classes.length - 1);
  const all = groupsOf(input, [{ first: 0, last }], 0);
  const requests = all.reduce((sum, group) => sum + group.requests, 0);
  const round = Math.max(intervalSeconds, requests / perSecond);
  const oneFrequency = { seconds: round, meanLagSeconds: round / 2 };
  const one = { groups: all, periods: all.map(() => round), meanLagSeconds: round / 2, userLagSeconds: round / 2 };
  const anyGoLives = all.some(({ goLives }) => goLives > 0);
  if (requests <= Math.floor(intervalSeconds * perSecond) || !anyGoLives) return describe(one);

  const floor = (rounds: number) => Math.max(round, input.dormantMaxSeconds ?? Math.max(FLOOR.seconds, rounds * round));
  const byId = least(partitions(last).map((joined) => draft(groupsOf(input, joined, floor(FLOOR.rounds)), perSecond)));
  let best = better(one, byId);
  if (directory) {
    const joined = best.groups.flatMap(({ users }) => users?.classes ?? []);
    best = better(best, bestSweep(groupsOf(input, joined, floor(FLOOR.roundsBesideSweeps)), perSecond, directory));
  }
  return describe(best);

  function describe({ groups, periods, sweep, meanLagSeconds, userLagSeconds }: Draft): Plan {
    const gameSeconds = periods[groups.findIndex(({ users }) => !users)];
    const pollSeconds = groups === all ? round : (gameSeconds ?? intervalSeconds);
    const users = groups.flatMap(({ users, requests }, i) => {
      const seconds = periods[i] as number;
      return users ? [{ ...users, requests, seconds, timesAPoll: pollSeconds / seconds }] : [];
    });
    return { users, pollSeconds, ...(sweep && { sweep }), meanLagSeconds, userLagSeconds, oneFrequency };
  }
}

/** Users of the joined classes, each of which is asked for within `mostSeconds`, and behind them games. */
function groupsOf(input: PlanInput, joined: readonly PlannedUsers['classes'][], mostSeconds: number): Group[] {
  const groups = joined.flatMap((classes): Group[] => {
    const some = input.classes.slice(classes.first, classes.last + 1);
    const users = some.reduce((sum, each) => sum + each.users, 0);
    const goLives = some.reduce((sum, each) => sum + each.users * each.goLivesADay, 0);
    const requests = Math.ceil(users / IDS_PER_REQUEST);
    return users > 0
      ? [{ requests, goLives, leastSeconds: LEAST_SECONDS, mostSeconds, users: { classes, users } }]
      : [];
  });
  const { gameRequests, intervalSeconds } = input;
  if (gameRequests === 0) return groups;
  const goLives = gameRequests * GO_LIVES_A_GAME_PAGE;
  return [...groups, { requests: gameRequests, goLives, leastSeconds: intervalSeconds, mostSeconds }];
}

/** All ways to join classes with their neighbours, the fewest groups first: a class of a few users costs a whole request. */
function partitions(last: number): PlannedUsers['classes'][][] {
  const all: PlannedUsers['classes'][][] = [[{ first: 0, last }]];
  for (let cuts = 1; cuts < 2 ** last; cuts++) {
    const ends = [...Array(last).keys()].filter((i) => cuts & (1 << i));
    all.push([...ends, last].map((end, i) => ({ first: i === 0 ? 0 : (ends[i - 1] as number) + 1, last: end })));
  }
  return all.sort((a, b) => a.length - b.length);
}

function draft(groups: Group[], perSecond: number, sweep?: SweepView): Draft | undefined {
  const lag = new Lag(sweep);
  const periods = allocate(groups, perSecond, lag);
  if (!periods) return undefined;
  const users = groups.filter((group) => group.users);
  return {
    groups,
    periods,
    meanLagSeconds: meanLag(groups, periods, lag),
    userLagSeconds: meanLag(users, periods, lag),
  };
}

/** With the share of the budget for sweeps at which the mean lag is least: looked for in steps of 5 %, then of 1 %. */
function bestSweep(groups: Group[], perSecond: number, directory: Directory): Draft | undefined {
  const withShare = (share: number): Draft | undefined => {
    const seconds = directory.requests / (share * perSecond);
    const drafted = draft(groups, (1 - share) * perSecond, { ...directory, seconds });
    return drafted && { ...drafted, sweep: { seconds, share } };
  };
  const bestOf = (percents: number[]) =>
    least(
      percents.filter((percent) => percent > 0 && percent <= SWEEP_PERCENT_MOST).map((each) => withShare(each / 100)),
    );
  const near = bestOf([...Array(20).keys()].map((i) => 5 * i))?.sweep?.share;
  return near === undefined ? undefined : bestOf([...Array(9).keys()].map((i) => Math.round(100 * near) + i - 4));
}

/** The first of those with the least mean lag. */
function least(drafts: readonly (Draft | undefined)[]): Draft | undefined {
  return drafts.reduce((a, b) => (b && (!a || b.meanLagSeconds < a.meanLagSeconds) ? b : a), undefined);
}

function better(present: Draft, other: Draft | undefined): Draft {
  return other && other.meanLagSeconds < present.meanLagSeconds * (1 - LEAST_GAIN) ? other : present;
}
