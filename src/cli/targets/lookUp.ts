import { createLogger } from '../../lib/log.ts';
import type { TwitchClient } from '../../twitch/client.ts';
import { settingsFor } from '../settings.ts';

/** Finds the ids of users and games by the names that people know them by. */
export interface LookUp {
  /** Ids by login in lower case; logins that Twitch does not know are absent. */
  users(logins: readonly string[], signal?: AbortSignal): Promise<Map<string, string>>;
  /** Ids by name in lower case; names that Twitch does not know are absent. */
  games(names: readonly string[], signal?: AbortSignal): Promise<Map<string, string>>;
}

/**
 * Looks up at Twitch, whose settings are read when the first name is: commands that turn out to need no names work
 * without them. Close it when done. Its methods throw TwitchError and SettingsError.
 */
export class TwitchLookUp implements LookUp {
  #client: TwitchClient | undefined;

  async users(logins: readonly string[], signal?: AbortSignal): Promise<Map<string, string>> {
    const users = await (await this.#connect()).getUsers({ logins }, signal);
    return new Map(users.map(({ id, login }) => [login.toLowerCase(), id]));
  }

  async games(names: readonly string[], signal?: AbortSignal): Promise<Map<string, string>> {
    const games = await (await this.#connect()).getGames({ names }, signal);
    return new Map(games.map(({ id, name }) => [name.toLowerCase(), id]));
  }

  async close(): Promise<void> {
    await this.#client?.close();
  }

  async #connect(): Promise<TwitchClient> {
    if (this.#client) return this.#client;
    const settings = settingsFor(['TWITCH_CLIENT_ID', 'TWITCH_CLIENT_SECRET', 'TWITCH_API_URL', 'TWITCH_AUTH_URL']);
    const { TwitchClient } = await import('../../twitch/client.ts');
    this.#client = new TwitchClient({
      clientId: settings.TWITCH_CLIENT_ID,
      clientSecret: settings.TWITCH_CLIENT_SECRET,
      apiUrl: settings.TWITCH_API_URL,
      authUrl: settings.TWITCH_AUTH_URL,
      validateTtlSeconds: 3_600,
      // What goes wrong is thrown, and printed by the command.
      logger: createLogger('silent'),
    });
    return this.#client;
  }
}
