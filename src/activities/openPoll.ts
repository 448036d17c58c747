import { log } from '@temporalio/activity';
import { dormantPerPoll, userChecksDue } from '../poll/frequency.ts';
import { GAMES_PER_REQUEST } from '../poll/gameGroups.ts';
import { type LastPoll, readLastReport } from '../poll/report.ts';
import type { FetchTargetsInput, OpenedPoll } from '../poll/steps.ts';
import type { Dependencies } from './dependencies.ts';

const LOST_ADVICE =
  'add the targets of the client again (targets import); streams that started before then are suppressed';

/** Opens a poll in the store: its number, whether the store has lost state, and how often targets are polled. Safe to run twice. */
export async function openPoll(
  dependencies: Dependencies,
  { poll, last: told }: FetchTargetsInput,
): Promise<OpenedPoll> {
  const { polls, streams, targets, settingsTargets } = dependencies;
  const { intervalSeconds, requestsPerMinute, dormantMaxSeconds } = dependencies.settings;
  const nowMs = await streams.nowMs();
  const last = await knownPoll(dependencies, told);
  const { lost, no } = await polls.open(poll, last, nowMs);
  await polls.noteUnpolled(last.unpolled ?? []);
  if (lost) {
    await polls.noteUnpolledBeforeLoss(last.unpolled ?? []);
    log.error(`the store has lost what earlier polls wrote: ${LOST_ADVICE}`, {
      lastPoll: new Date(last.pollMs).toISOString(),
    });
  }
  await settingsTargets.apply(lost);
  await targets.cool(nowMs);
  const [users, hot, games, live, refusedUsers, refusedGames, { length: gone }] = await Promise.all([
    targets.count('user'),
    targets.countHot(),
    targets.count('game'),
    streams.countLive(),
    targets.refused.count('user'),
    targets.refused.count('game'),
    targets.gone.list(),
  ]);
  const refused = refusedUsers + refusedGames;
  const userChecks = await takeUserChecks(dependencies, users, nowMs);
  const gameRequests = Math.max(Math.ceil(games / GAMES_PER_REQUEST), games > 0 ? last.gameRequests : 0);
  const perPoll = dormantPerPoll({ users, hot, gameRequests, intervalSeconds, requestsPerMinute, dormantMaxSeconds });
  return {
    no,
    intervalSeconds,
    requestsPerMinute,
    stateLost: lost,
    live,
    ...(refused > 0 && { refused }),
    ...(gone > 0 && { gone }),
    ...(userChecks > 0 && { userChecks }),
    ...(perPoll !== 'all' && { rhythm: { hot, dormant: users - hot, dormantPerPoll: perPoll } }),
  };
}

/**
 * What is known of earlier polls. Without it an emptied store looks like a new one, and all that is on would be announced
 * again; a poll that was not told asks, and goes on without an answer.
 */
async function knownPoll({ lastReport }: Dependencies, last: LastPoll): Promise<LastPoll> {
  if (last.pollMs > 0 || !lastReport) return last;
  try {
    return readLastReport(await lastReport());
  } catch (error) {
    log.warn('what the last poll reported could not be read: a loss of the state would not be noticed', { error });
    return last;
  }
}

/** The checks that are due now: they are not due again when this is called again. */
async function takeUserChecks({ targets, settings }: Dependencies, users: number, nowMs: number): Promise<number> {
  const checkedMs = await targets.gone.checkedMs();
  const { checks, noteMs } = userChecksDue(users, checkedMs, settings.requestsPerMinute, nowMs);
  if (noteMs !== undefined) await targets.gone.noteCheckedMs(noteMs);
  return checks;
}
