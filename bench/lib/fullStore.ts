import { createHash } from 'node:crypto';
import { pino } from 'pino';
import { secretUrl } from '../../src/config/secret.ts';
import { connectStore, scripts, waitUntilReady } from '../../src/storage/dragonfly.ts';
import { REPORTS_KEPT } from '../../src/storage/polls.ts';
import { storeOn } from '../../src/storage/store.ts';
import type { Samples } from './webRequests.ts';

const LABEL = 'customer 7';
const RARE_LABEL = 'rare';
/** As many as the store remembers. */
const SET_ASIDE = 10_000;
const CHECKS_APART_MS = 3_600_000;
const AT_ONCE = 5_000;

export type FullStore = Awaited<ReturnType<typeof openFullStore>>;

/** The store of a benchmark, beside the worker that uses it. */
export async function openFullStore(redisUrl: string) {
  const connection = connectStore({ url: secretUrl(redisUrl), logger: pino({ level: 'silent' }) });
  await waitUntilReady(connection, 5_000);
  const { targets, streams, polls, feed } = storeOn(connection);

  /** Gives one user in ten a label, and ten of all another. */
  async function label(ids: readonly string[]): Promise<void> {
    const labelled = ids.filter((_, i) => i % 10 === 3);
    for (let at = 0; at < labelled.length; at += AT_ONCE) {
      await targets.labels.set('user', labelled.slice(at, at + AT_ONCE), [LABEL]);
    }
    const tenth = Math.ceil(ids.length / 10);
    const rare = ids.filter((_, i) => i % tenth === tenth - 1);
    await targets.labels.set('user', rare, [LABEL, RARE_LABEL]);
  }

  return {
    /**
     * Adds to targets that a poll has been through what takes an operator's months: as many users refused and gone as the
     * store remembers, labels, and reports of polls.
     *
     * @param idle those of the users that are not live
     */
    async fill(ids: readonly string[], idle: readonly string[]): Promise<void> {
      const nowMs = Date.now();
      const step = Math.ceil(idle.length / SET_ASIDE);
      const some = (offset: number) => idle.filter((_, i) => i % step === offset);
      const refused = some(0).map((id) => ({ id, reason: 'The parameter "user_id" was malformed.' }));
      await targets.refused.note('user', refused, [], nowMs);
      const gone = some(Math.floor(step / 2));
      for (const atMs of [nowMs - CHECKS_APART_MS, nowMs]) await targets.gone.note(gone, new Set(), atMs);
      await label(ids);
      const [report] = await polls.reports(1);
      if (!report) throw new Error('no poll has reported');
      for (let i = 0; i < REPORTS_KEPT; i++) await polls.keepReport(report);
    },

    /** What there is, for requests that name some of it. */
    async samples(ids: readonly string[]): Promise<Samples> {
      const half = Math.min(1_000, Math.floor((await streams.countLive()) / 2));
      const { streams: firstStreams, next = '' } = await streams.listLive({ limit: half });
      const [stream] = firstStreams;
      if (!stream) throw new Error('nobody is live');
      const { next: beforePlace = '' } = await feed.before(undefined, half);
      const { userId, userLogin: login, gameId } = stream;
      const afterTarget = `user:${ids[Math.floor(ids.length / 2)]}`;
      return {
        userId,
        login,
        prefix: login.slice(0, 5),
        gameId,
        label: LABEL,
        rareLabel: RARE_LABEL,
        afterTarget,
        afterStream: next,
        beforePlace,
      };
    },

    countLive: () => streams.countLive(),

    /** From now on commands are noted that hold the store for longer than a millisecond. */
    async watch(): Promise<void> {
      await connection.config('SET', 'slowlog-log-slower-than', 1_000, 'slowlog-max-len', 100_000);
      await connection.slowlog('RESET');
    },

    /** By command, or script: how many were noted, and how long the longest held the store, in milliseconds. */
    async slowest(): Promise<{ command: string; count: number; longestMs: number }[]> {
      const names = new Map(Object.entries(scripts).map(([name, { lua }]) => [sha1(lua), name]));
      const entries = (await connection.slowlog('GET', -1)) as [number, number, us: number, command: string[]][];
      const groups = Map.groupBy(
        entries,
        ([, , , [command = '', sha = '']]) => names.get(sha) ?? command.toLowerCase(),
      );
      return [...groups]
        .map(([command, group]) => ({
          command,
          count: group.length,
          longestMs: Math.max(...group.map(([, , us]) => us)) / 1_000,
        }))
        .sort((a, b) => b.longestMs - a.longestMs);
    },

    close: () => connection.disconnect(),
  };
}

const sha1 = (text: string) => createHash('sha1').update(text).digest('hex');
