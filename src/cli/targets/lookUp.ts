import { createLogger } from '../../lib/log.ts';
import type { TargetKind } from '../../poll/model.ts';
import type { TwitchClient } from '../../twitch/client.ts';
import { lookUpIds } from '../../twitch/lookUp.ts';
import { settingsFor } from '../settings.ts';

/**
 * Finds the ids of users and games at Twitch by the names that people know them by. The settings are read when the first
 * name is looked up: commands that turn out to need no names work without them. Close it when done.
 */
export class LookUp {
  #client: TwitchClient | undefined;

  /**
   * Ids by login (users) or exact name (games) in lower case; names that Twitch does not know are absent.
   *
   * @throws TwitchError, SettingsError
   */
  async ids(kind: TargetKind, names: readonly string[], signal?: AbortSignal): Promise<Map<string, string>> {
    return lookUpIds(await this.#connect(), kind, names, signal);
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
