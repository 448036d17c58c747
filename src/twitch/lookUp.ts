import type { TargetKind } from '../poll/model.ts';
import type { TwitchClient } from './client.ts';

/**
 * Ids by login (users) or exact name (games) in lower case; names that Twitch does not know are absent.
 *
 * @throws TwitchError
 */
export async function lookUpIds(
  client: Pick<TwitchClient, 'getUsers' | 'getGames'>,
  kind: TargetKind,
  names: readonly string[],
  signal?: AbortSignal,
): Promise<Map<string, string>> {
  const found =
    kind === 'user'
      ? (await client.getUsers({ logins: names }, signal)).map(({ id, login }) => ({ id, name: login }))
      : await client.getGames({ names }, signal);
  return new Map(found.map(({ id, name }) => [name.toLowerCase(), id]));
}
