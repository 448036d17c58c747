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
/** Live streams that the games of one request have together, unless it asks for one game alone: what fits on a page. */
const STREAMS_PER_GROUP = 100;

/**
 * Cuts games into requests: a game whose list is longer than a page alone, small ones together.
 *
 * @param live streams of each game in the live set, as the last polls left it; 0 also for games that were never polled
 */
export function groupGames(live: readonly number[]): GameGroup[] {
  const groups: GameGroup[] = [];
  for (const streams of live) {
    const group = groups.at(-1);
    if (group && group.size < GAMES_PER_REQUEST && group.live + streams <= STREAMS_PER_GROUP) {
      group.size += 1;
      group.live += streams;
    } else {
      groups.push({ size: 1, live: streams });
    }
  }
  return groups;
}
