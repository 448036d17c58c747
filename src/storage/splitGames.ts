import type { Dragonfly } from './dragonfly.ts';
import type { Keys } from './keys.ts';

/**
 * Live streams that one script call looks through for those that a game's list no longer shows, at some 10 µs each: all
 * that are live on Twitch at once would hold up the store for seconds.
 */
const STREAMS_PER_CALL = 5_000;

/** How many streams of each game are in the live set. */
export function countInGames(redis: Dragonfly, keys: Keys, games: readonly string[]): Promise<number[]> {
  return Promise.all(games.map((id) => redis.zlexcount(keys.liveByGame, `[${id}\x1f`, `[${id}\x1f\xff`)));
}

/** Cuts a list of games so that the live streams of one part are few enough for one call, unless it is one game alone. */
export async function splitGames(redis: Dragonfly, keys: Keys, games: readonly string[]): Promise<string[][]> {
  const counts = await countInGames(redis, keys, games);
  const parts: string[][] = [];
  let room = 0;
  for (const [i, id] of games.entries()) {
    const count = counts[i] ?? 0;
    const part = parts.at(-1);
    if (part && count <= room) {
      part.push(id);
    } else {
      parts.push([id]);
      room = STREAMS_PER_CALL;
    }
    room -= count;
  }
  return parts;
}
