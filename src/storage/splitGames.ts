/**
 * Live streams that one script call looks through for those that a game's list no longer shows, at some 10 µs each: all
 * that are live on Twitch at once would hold up the store for seconds.
 */
const STREAMS_PER_CALL = 5_000;

/**
 * Cuts a list of games so that the live streams of one part are few enough for one call, unless it is one game alone.
 *
 * @param counts how many live streams each game has
 */
export function splitGames(games: readonly string[], counts: readonly number[]): string[][] {
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
