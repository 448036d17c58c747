import { STREAMS_PER_PAGE } from './model.ts';

/** Games of one request: so many ids, and how many streams of them are in the live set. */
export interface GameGroup {
  size: number;
  live: number;
}

/**
 * Games in one request at most. Twitch takes 100, but the more it is given, the more of its cursors lead nowhere
 * (twitchdev/issues#543).
 */
export const GAMES_PER_REQUEST = 10;

/**
 * Cuts games into requests: as many together as have a page of streams at most; a game that has more is asked for alone.
 *
 * @param live streams of each game in the live set, as the last polls left it; 0 also for games that were never polled
 */
export function groupGames(live: readonly number[]): GameGroup[] {
  const groups: GameGroup[] = [];
  for (const streams of live) {
    const group = groups.at(-1);
    if (group && group.size < GAMES_PER_REQUEST && group.live + streams <= STREAMS_PER_PAGE) {
      group.size += 1;
      group.live += streams;
    } else {
      groups.push({ size: 1, live: streams });
    }
  }
  return groups;
}
