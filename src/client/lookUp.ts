import type { LazyTwitch } from './connections.ts';

/** Finds the ids of users and games by the names that people know them by. */
export interface LookUp {
  /** Ids by login in lower case; logins that Twitch does not know are absent. */
  users(logins: readonly string[], signal?: AbortSignal): Promise<Map<string, string>>;
  /** Ids by name in lower case; names that Twitch does not know are absent. */
  games(names: readonly string[], signal?: AbortSignal): Promise<Map<string, string>>;
}

/** Looks up at Twitch, whose settings are read when the first name is. @throws TwitchError, SettingsError */
export function twitchLookUp(twitch: LazyTwitch): LookUp {
  return {
    async users(logins, signal) {
      const users = await twitch.get().getUsers({ logins }, signal);
      return new Map(users.map(({ id, login }) => [login.toLowerCase(), id]));
    },
    async games(names, signal) {
      const games = await twitch.get().getGames({ names }, signal);
      return new Map(games.map(({ id, name }) => [name.toLowerCase(), id]));
    },
  };
}
