import { COMMAND_CONNECT_MS } from '../../poll/limits.ts';
import { describeFrequency, REPORTS_FOR_FREQUENCY } from '../../poll/pollingFrequency.ts';
import type { PollReport } from '../../poll/report.ts';
import type { Announcement } from '../../storage/feed.ts';
import type { LiveStream } from '../../storage/liveEntry.ts';
import { CommandError, UnavailableError } from '../errors.ts';
import { settingsFor } from '../settings.ts';
import { withStore } from '../store.ts';

/** Which streams: of one game, or of users by the beginning of their logins. */
export interface StreamsOf {
  game?: string | undefined;
  search?: string | undefined;
}

/** What can be looked at, wherever it is read from: the store, or a worker's HTTP API. */
export interface Views {
  streams(limit: number, of: StreamsOf): Promise<{ live: number; streams: LiveStream[] }>;
  announcements(limit: number): Promise<{ announcements: Announcement[] }>;
  polls(limit: number): Promise<{ polls: PollReport[]; frequency: { words: string } }>;
}

/**
 * Reads from the store, or with a URL from the worker that serves there.
 *
 * @throws UnavailableError, SettingsError, CommandError
 */
export async function read<T>(url: string | undefined, work: (views: Views) => Promise<T>): Promise<T> {
  if (url !== undefined) return work(overHttp(url));
  return withStore(({ streams, feed, polls }) =>
    work({
      async streams(limit, { game, search }) {
        const listed = search
          ? await streams.findLive({ text: search, limit })
          : await streams.listLive({ limit, gameId: game });
        return { live: await streams.countLive(), ...listed };
      },
      announcements: (limit) => feed.before(undefined, limit),
      async polls(limit) {
        const reports = await polls.reports(Math.max(limit, REPORTS_FOR_FREQUENCY));
        return { polls: reports.slice(0, limit), frequency: describeFrequency(reports) };
      },
    }),
  );
}

function overHttp(url: string): Views {
  const { ADMIN_TOKEN: token } = settingsFor(['ADMIN_TOKEN']);
  async function get<T>(path: string, query: Record<string, string | undefined>): Promise<T> {
    const address = new URL(`api/v1/${path}`, url.endsWith('/') ? url : `${url}/`);
    for (const [name, value] of Object.entries(query)) if (value !== undefined) address.searchParams.set(name, value);
    let answer: Response;
    try {
      const headers: Record<string, string> = token ? { authorization: `Bearer ${token.reveal()}` } : {};
      answer = await fetch(address, { headers, signal: AbortSignal.timeout(COMMAND_CONNECT_MS) });
    } catch (error) {
      throw new UnavailableError(`no worker answers at ${url} (--url): ${(error as Error).message}`, { cause: error });
    }
    const body = (await answer.json().catch(() => ({}))) as { detail?: string };
    if (answer.ok) return body as T;
    throw new CommandError(`the worker at ${url} says ${answer.status}: ${body.detail ?? 'no more than that'}`);
  }
  return {
    streams: (limit, { game, search }) => get('streams', { limit: String(limit), game, search }),
    announcements: (limit) => get('announcements', { limit: String(limit) }),
    polls: (limit) => get('polls', { limit: String(limit) }),
  };
}
