import { activityInfo, log } from '@temporalio/activity';
import { type Cursor, IDS_PER_BATCH, nextGroup } from '../poll/walk.ts';
import { dormantPerPoll } from '../poll/frequency.ts';
import { GAMES_PER_REQUEST, groupGames } from '../poll/gameGroups.ts';
import { type LastPoll, readLastReport } from '../poll/report.ts';
import type { FetchedTargets, FetchTargetsInput, NoteRefusedInput, OpenedPoll } from '../poll/steps.ts';
import { userChecksDue } from './checkUsers.ts';
import type { Dependencies } from './dependencies.ts';
import { toActivityFailure } from './failures.ts';
import { heartbeating } from './heartbeat.ts';
import { readGroup } from './walk.ts';

/** Ids in one answer: with Twitch's usual ids of 9 or 10 digits about 26 KB in the history. */
const IDS_PER_CALL = 2_000;
/** For unusually long ids, so that an answer stays below 64 KB. */
const MOST_BYTES = 48_000;

export function targetActivities({ settings, polls, streams, targets, settingsTargets, lastReport }: Dependencies) {
  return {
    /** Reads the next targets of the walk, at most 2,000; the first call of a poll also opens it in the store. */
    async fetchTargets(input: FetchTargetsInput): Promise<FetchedTargets> {
      try {
        return await heartbeating(
          () => undefined,
          () => fetch(input),
        );
      } catch (error) {
        throw toActivityFailure(error, activityInfo().attempt);
      }
    },
    /** Sets targets aside that Twitch refuses, and takes back those that it accepts again. */
    async noteRefused({ kind, refused, accepted }: NoteRefusedInput): Promise<void> {
      try {
        await heartbeating(
          () => undefined,
          () => targets.refused.note(kind, refused, accepted, Date.now()),
        );
      } catch (error) {
        throw toActivityFailure(error, activityInfo().attempt);
      }
    },
  };

  async function fetch(input: FetchTargetsInput): Promise<FetchedTargets> {
    const fetched: FetchedTargets = { parts: [] };
    let from: Cursor | undefined = input.from;
    if (!from) {
      fetched.opened = await open(input);
      const { rhythm } = fetched.opened;
      const { turnAfter } = input.last;
      const dormant = rhythm && { ...(turnAfter !== undefined && { after: turnAfter }), left: rhythm.dormantPerPoll };
      from = { group: 'user', ...(dormant && { dormant }) };
    }
    let room = IDS_PER_CALL;
    let bytes = MOST_BYTES;
    // Without room it still looks whether anything follows: an empty answer more would be an activity more in each poll.
    while (from && bytes > 0) {
      const { ids, rest } = await readGroup(targets, from, room - (room % IDS_PER_BATCH), bytes);
      await addPart(fetched, from, ids);
      room -= ids.length;
      bytes -= Buffer.byteLength(JSON.stringify(ids));
      const turn = rest?.dormant;
      if (from.group === 'dormant' && (!turn || turn.left === 0)) {
        fetched.turn = turn?.after === undefined ? {} : { after: turn.after };
        from = undefined;
      } else if (rest && ids.length === 0) {
        break;
      } else {
        from = rest ?? nextGroup(from);
      }
    }
    if (from) fetched.next = from;
    return fetched;
  }

  /** The checks that are due now: they are not due again when this is called again. */
  async function takeUserChecks(users: number, nowMs: number): Promise<number> {
    const checkedMs = await targets.gone.checkedMs();
    const { checks, noteMs } = userChecksDue(users, checkedMs, settings.TWITCH_REQUESTS_PER_MINUTE, nowMs);
    if (noteMs !== undefined) await targets.gone.noteCheckedMs(noteMs);
    return checks;
  }

  /** Leaves out the ids that Twitch refuses. */
  async function addPart({ parts }: FetchedTargets, from: Cursor, ids: string[]): Promise<void> {
    const kind = from.group === 'game' ? 'game' : 'user';
    const { polled, triedAgain } = await targets.refused.sift(kind, ids, Date.now());
    if (polled.length + triedAgain.length === 0) return;
    const groups = kind === 'game' && groupGames(await streams.countInGames(polled));
    parts.push({ from, ids: polled, ...(groups && { groups }), ...(triedAgain.length > 0 && { triedAgain }) });
  }

  /**
   * What is known of earlier polls. Without it an emptied store looks like a new one, and all that is on would be announced
   * again; a poll that was not told asks, and goes on without an answer.
   */
  async function knownPoll(last: LastPoll): Promise<LastPoll> {
    if (last.pollMs > 0 || !lastReport) return last;
    try {
      return readLastReport(await lastReport());
    } catch (error) {
      log.warn('what the last poll reported could not be read: a loss of the state would not be noticed', { error });
      return last;
    }
  }

  async function open({ poll, last: told }: FetchTargetsInput): Promise<OpenedPoll> {
    const nowMs = await streams.nowMs();
    const last = await knownPoll(told);
    const { lost, no } = await polls.open(poll, last, nowMs);
    await polls.noteUnpolled(last.unpolled ?? []);
    if (lost) {
      await polls.noteUnpolledBeforeLoss(last.unpolled ?? []);
      log.error('the store has lost what earlier polls wrote; streams that started before them are suppressed', {
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
    const userChecks = await takeUserChecks(users, nowMs);
    const perPoll = dormantPerPoll({
      users,
      hot,
      gameRequests: Math.max(Math.ceil(games / GAMES_PER_REQUEST), games > 0 ? last.gameRequests : 0),
      intervalSeconds: settings.POLL_INTERVAL_SECONDS,
      requestsPerMinute: settings.TWITCH_REQUESTS_PER_MINUTE,
      dormantMaxSeconds: settings.DORMANT_MAX_SECONDS,
    });
    return {
      no,
      intervalSeconds: settings.POLL_INTERVAL_SECONDS,
      requestsPerMinute: settings.TWITCH_REQUESTS_PER_MINUTE,
      stateLost: lost,
      live,
      ...(refused > 0 && { refused }),
      ...(gone > 0 && { gone }),
      ...(userChecks > 0 && { userChecks }),
      ...(perPoll !== 'all' && { rhythm: { hot, dormant: users - hot, dormantPerPoll: perPoll } }),
    };
  }
}
