import { createHash } from 'node:crypto';
import { activityInfo, log } from '@temporalio/activity';
import type { TargetKind } from '../model.ts';
import type { PollRef } from '../storage/streams.ts';
import { toActivityFailure } from './failures.ts';
import type { Dependencies } from './index.ts';

/** Where a poll is in its walk over the targets: user targets first, then game targets, each in bytewise order. */
export interface Cursor {
  kind: TargetKind;
  /** The last id that was handed out; absent at the beginning of a kind. */
  after?: string;
}

export interface FetchTargetsInput {
  poll: PollRef;
  /** Absent in a poll's first call, which opens the poll. */
  from?: Cursor;
  /** From the schedule's last completion result, 0 if there is none: see `Streams.openPoll`. Unix milliseconds. */
  lastPollMs: number;
  lastCompleteMs: number;
}

export interface FetchedTargets {
  users: string[];
  games: string[];
  /** Where to go on; absent behind the last target. */
  next?: Cursor;
  /** Set by the first call: the poll interval, and whether the store has lost what earlier polls wrote. */
  opened?: { intervalSeconds: number; stateLost: boolean };
}

/** Ids in one answer: with Twitch's usual ids of 9 or 10 digits about 26 KB in the history. */
const IDS_PER_CALL = 2_000;
const IDS_PER_BATCH = 100;
/** For ids of each kind, so that unusually long ones stay below 64 KB together. */
const MOST_BYTES = 30_000;

export function targetActivities({ settings, streams, targets }: Dependencies) {
  return {
    /** Reads the next targets of the walk, at most 2,000; the first call of a poll also opens it in the store. */
    async fetchTargets(input: FetchTargetsInput): Promise<FetchedTargets> {
      try {
        return await fetch(input);
      } catch (error) {
        throw toActivityFailure(error, activityInfo().attempt);
      }
    },
  };

  async function fetch(input: FetchTargetsInput): Promise<FetchedTargets> {
    const opened = input.from ? undefined : { opened: await open(input) };
    const { kind, after } = input.from ?? { kind: 'user' };
    const users = kind === 'user' ? await read('user', after, IDS_PER_CALL) : { ids: [] };
    if (users.next) return { ...opened, users: users.ids, games: [], next: users.next };

    const room = IDS_PER_CALL - users.ids.length;
    const games = await read('game', kind === 'game' ? after : undefined, room);
    return { ...opened, users: users.ids, games: games.ids, ...(games.next && { next: games.next }) };
  }

  async function open({
    poll,
    lastPollMs,
    lastCompleteMs,
  }: FetchTargetsInput): Promise<NonNullable<FetchedTargets['opened']>> {
    const { lost, seeded } = await streams.openPoll(poll, lastPollMs, lastCompleteMs, Date.now());
    if (lost) {
      log.error('the store has lost what earlier polls wrote; streams that started before them are taken in silently', {
        lastPoll: new Date(lastPollMs).toISOString(),
      });
    }
    await seed(seeded, lost);
    return { intervalSeconds: settings.POLL_INTERVAL_SECONDS, stateLost: lost };
  }

  /** Adds the settings' targets once for each version of their list: one that was removed since stays removed. */
  async function seed(seeded: string, lost: boolean): Promise<void> {
    const { TARGET_USER_IDS: users, TARGET_GAME_IDS: games } = settings;
    const fingerprint = createHash('sha256')
      .update(JSON.stringify([users, games]))
      .digest('hex');
    if (seeded === fingerprint) return;
    // Targets that come back after a loss were watched before: their streams are no first sight.
    const addedMs = lost ? 0 : Date.now();
    await targets.add('user', users, addedMs);
    await targets.add('game', games, addedMs);
    await streams.noteSeeded(fingerprint);
  }

  /** Up to `limit` ids, cut to whole batches when they would be too many bytes; `next` unless the kind is at its end. */
  async function read(
    kind: TargetKind,
    after: string | undefined,
    limit: number,
  ): Promise<{ ids: string[]; next?: Cursor }> {
    const ids = await targets.list(kind, after, limit);
    let fits = ids.length;
    while (fits > IDS_PER_BATCH && Buffer.byteLength(JSON.stringify(ids.slice(0, fits))) > MOST_BYTES) {
      fits -= fits % IDS_PER_BATCH || IDS_PER_BATCH;
    }
    const last = ids[fits - 1];
    if (last === undefined || (fits === ids.length && fits < limit)) return { ids };
    return { ids: ids.slice(0, fits), next: { kind, after: last } };
  }
}
