import assert from 'node:assert/strict';
import type { StoreConnection } from '../../src/storage/dragonfly.ts';
import { NOON, type Store, stream, TestPoll } from './support.ts';

/** About as many as are live on Twitch at once. */
export const LIVE = 100_000;

/** Streams number `from` to `to`, spread over 50 games. */
export function many(from: number, to: number) {
  return Array.from({ length: to - from }, (_, i) =>
    stream(`many-${from + i}`, `many-u${from + i}`, NOON, `many-g${(from + i) % 50}`),
  );
}

/** Makes the users of {@link LIVE} streams targets. */
export async function watchAll({ targets }: Store): Promise<void> {
  await targets.add(
    'user',
    many(0, LIVE).map(({ userId }) => userId),
    0,
    0,
  );
}

/** Makes {@link LIVE} streams of targets live. */
export async function fill(store: Store): Promise<void> {
  // Without the limit that splits events over several publish activities.
  const poll = await TestPoll.open(store, NOON + 1, 0, { claimBytes: Number.MAX_SAFE_INTEGER });
  for (let at = 0; at < LIVE; at += 2_000) {
    const result = await poll.diff({ streams: many(at, at + 2_000), watch: false }, `${poll.ref.id}#${at}`);
    assert.ok(!result.lost);
  }
}

/** How long it took, in milliseconds. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

/** Asks again and again, as the other clients of a store do, and tells how long it had to wait at most. */
export function startProbe(connection: StoreConnection): { stop(): Promise<number>; close(): void } {
  let worstMs = 0;
  const second = connection.duplicate();
  second.on('error', () => {});
  const timer = setInterval(async () => {
    if (second.status === 'ready') worstMs = Math.max(worstMs, await timed(() => second.ping().catch(() => {})));
  }, 5);
  return {
    async stop() {
      clearInterval(timer);
      await second.ping();
      // What waited until now tells its time after this.
      await new Promise(setImmediate);
      return worstMs;
    },
    close() {
      clearInterval(timer);
      second.disconnect();
    },
  };
}
