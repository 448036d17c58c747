import type { Secret } from '../config/secret.ts';
import { harmless } from '../lib/harmless.ts';
import type { Logger } from '../lib/log.ts';
import { IDS_PER_REQUEST, STREAMS_PER_PAGE, type Stream, type TargetKind } from '../poll/model.ts';
import { AppAccessToken, type TokenStatus } from './auth.ts';
import { lifetimeClock } from './clock.ts';
import { type Answer, helixError, TwitchError } from './errors.ts';
import { type HttpLimits, HttpOrigin } from './http.ts';
import { type HelixEndpoint, type HelixResult, statusOf, type TwitchObserver } from './observer.ts';
import { Pace } from './pace.ts';
import { type RateLimit, readRateLimit } from './rate.ts';
import { type Game, type Page, parseGames, parseStreams, parseUsers, type User } from './schema.ts';

export interface TwitchClientOptions {
  clientId: string;
  clientSecret: Secret;
  /** Base URL of Helix, with its path: requests go to `${apiUrl}/streams`. */
  apiUrl: string;
  /** Base URL of OAuth, with its path: requests go to `${authUrl}/token` and `${authUrl}/validate`. */
  authUrl: string;
  /** How long a validated token is trusted before /validate is asked again; 0: before every request. */
  validateTtlSeconds: number;
  logger: Logger;
  /** Unix time in milliseconds; `Date.now` unless a test says otherwise. */
  now?: () => number;
  http?: Partial<HttpLimits>;
  observer?: TwitchObserver;
}

export interface StreamsQuery {
  kind: TargetKind;
  /** 1 to 100 user ids or game ids. */
  ids: readonly string[];
  /** The `cursor` of the page before. */
  after?: string;
}

export interface StreamsPage {
  /** In Twitch's order (most viewers first), with whatever repeats Twitch sent. */
  streams: Stream[];
  /** Entries that could not be read. A page that has any must not count as complete: a stream may hide among them. */
  malformed: number;
  /** For the next page; absent on the last. */
  cursor?: string;
  rate?: RateLimit;
  /** Helix refused the first token with a 401, so that this page took two requests of the budget. */
  renewedToken: boolean;
  /** Unix time in milliseconds at which the answer was complete. */
  receivedAtMs: number;
}

/**
 * The Helix calls that the poller needs. Every method may throw `TwitchError` (see its kinds), the signal's reason when the
 * caller aborted, and `RangeError` for a query that could never be right. Nothing is retried but one 401, with a new token.
 */
export class TwitchClient {
  readonly #options: TwitchClientOptions;
  readonly #now: () => number;
  readonly #api: HttpOrigin;
  readonly #auth: HttpOrigin;
  readonly #token: AppAccessToken;
  readonly #pace: Pace;
  readonly #tell: (result: HelixResult) => void;
  #sent = 0;
  #rate: { view: RateLimit; no: number } | undefined;

  constructor(options: TwitchClientOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#api = new HttpOrigin(options.apiUrl, this.#now, options.http);
    this.#auth = new HttpOrigin(options.authUrl, this.#now, options.http);
    this.#pace = new Pace();
    this.#tell = harmless(options.observer?.onHelix);
    this.#token = new AppAccessToken({
      clientId: options.clientId,
      clientSecret: options.clientSecret,
      auth: this.#auth,
      validateTtlSeconds: options.validateTtlSeconds,
      logger: options.logger,
      now: this.#now,
      lifetime: lifetimeClock(this.#now),
      onEnd: harmless(options.observer?.onToken),
    });
  }

  /**
   * One page of Get Streams (https://dev.twitch.tv/docs/api/reference/#get-streams). `first=100` is always sent: Twitch's
   * default of 20 hides the other streams of a full batch behind a cursor.
   */
  async getStreams(query: StreamsQuery, signal?: AbortSignal): Promise<StreamsPage> {
    const { kind, ids, after } = query;
    // Without ids Twitch lists all live streams there are.
    if (ids.length === 0) throw new RangeError(`getStreams needs at least one ${kind} id`);
    if (ids.length > IDS_PER_REQUEST) {
      throw new RangeError(`getStreams takes at most ${IDS_PER_REQUEST} ${kind} ids, got ${ids.length}`);
    }
    const search = new URLSearchParams({ first: String(STREAMS_PER_PAGE) });
    for (const id of ids) search.append(kind === 'user' ? 'user_id' : 'game_id', id);
    if (after) search.set('after', after);

    const { answer, renewedToken } = await this.#get('streams', search, signal);
    const { entries, malformed, cursor } = this.#read(answer, parseStreams);
    const rate = readRateLimit(answer.headers, answer.receivedAtMs);
    return {
      streams: entries,
      malformed,
      ...(cursor === undefined ? {} : { cursor }),
      ...(rate === undefined ? {} : { rate }),
      renewedToken,
      receivedAtMs: answer.receivedAtMs,
    };
  }

  /**
   * The users that exist among any number of ids and logins, in no particular order; deleted, renamed and suspended ones
   * are absent. One request per 100 (https://dev.twitch.tv/docs/api/reference/#get-users), one after the other.
   */
  async getUsers(
    query: { ids?: readonly string[]; logins?: readonly string[] },
    signal?: AbortSignal,
  ): Promise<User[]> {
    return await this.#lookUp('users', { id: query.ids, login: query.logins }, parseUsers, signal);
  }

  /** The games (categories) that exist among any number of ids and exact names; as `getUsers`. */
  async getGames(query: { ids?: readonly string[]; names?: readonly string[] }, signal?: AbortSignal): Promise<Game[]> {
    return await this.#lookUp('games', { id: query.ids, name: query.names }, parseGames, signal);
  }

  /**
   * The rate-limit view of the request sent last, as far as it has been answered: an answer that comes late does not
   * replace the view of a later request.
   */
  lastRate(): RateLimit | undefined {
    return this.#rate?.view;
  }

  /** Fetches the app access token if there is none, so that wrong credentials show before the first request. */
  async prepareToken(signal?: AbortSignal): Promise<void> {
    await this.#token.get(signal);
  }

  /** Milliseconds that requests are kept apart because the bucket is nearly empty; 0 while there is enough for all. */
  get paceMs(): number {
    return this.#pace.spacingMs;
  }

  tokenStatus(): TokenStatus {
    return this.#token.status();
  }

  /** Ends all connections at once; requests in flight, and later ones, fail with `network`. */
  async close(): Promise<void> {
    await Promise.all([this.#api.close(), this.#auth.close()]);
  }

  async #lookUp<T>(
    endpoint: HelixEndpoint,
    wanted: Record<string, readonly string[] | undefined>,
    parse: (answer: Answer) => Page<T>,
    signal?: AbortSignal,
  ): Promise<T[]> {
    const pairs = Object.entries(wanted).flatMap(([name, values = []]) =>
      values.map((value): [string, string] => [name, value]),
    );
    const found: T[] = [];
    for (let start = 0; start < pairs.length; start += IDS_PER_REQUEST) {
      const search = new URLSearchParams(pairs.slice(start, start + IDS_PER_REQUEST));
      const { answer } = await this.#get(endpoint, search, signal);
      found.push(...this.#read(answer, parse).entries);
    }
    return found;
  }

  #read<T>(answer: Answer, parse: (answer: Answer) => Page<T>): Page<T> {
    const page = parse(answer);
    if (page.malformed > 0) {
      const { malformed, problem } = page;
      this.#options.logger.warn(
        { malformed, reason: problem, request: answer.what },
        'unreadable entries of Twitch are left out: if it lasts, see whether a newer version reads them',
      );
    }
    return page;
  }

  async #get(endpoint: HelixEndpoint, query: URLSearchParams, signal?: AbortSignal) {
    const token = await this.#token.get(signal);
    const first = await this.#send(endpoint, query, token, signal);
    if (first.status !== 401) return { answer: this.#accept(first, token), renewedToken: false };

    const renewed = await this.#token.renew(token, signal);
    const second = await this.#send(endpoint, query, renewed, signal);
    if (second.status === 401) this.#token.refused(renewed, this.#errorOf(second, renewed));
    return { answer: this.#accept(second, renewed), renewedToken: true };
  }

  #accept(answer: Answer, token: Secret): Answer {
    if (answer.status !== 200) throw this.#errorOf(answer, token);
    return answer;
  }

  #errorOf(answer: Answer, token: Secret): TwitchError {
    return helixError(answer, [token, this.#options.clientSecret]);
  }

  async #send(endpoint: HelixEndpoint, query: URLSearchParams, token: Secret, signal?: AbortSignal): Promise<Answer> {
    await this.#pace.wait(signal);
    this.#sent += 1;
    const no = this.#sent;
    const headers = { 'client-id': this.#options.clientId, authorization: `Bearer ${token.reveal()}` };
    const startedMs = performance.now();
    const tell = (status: HelixResult['status']) => this.#tell({ endpoint, status, ms: performance.now() - startedMs });
    let answer: Answer;
    try {
      answer = await this.#api.send({ method: 'GET', path: `/${endpoint}`, query, headers }, signal);
    } catch (error) {
      tell(statusOf(error instanceof TwitchError ? error : undefined));
      throw error;
    }
    tell(answer.status);
    const view = readRateLimit(answer.headers, answer.receivedAtMs);
    if (view && no > (this.#rate?.no ?? 0)) {
      this.#rate = { view, no };
      this.#pace.note(view);
    }
    return answer;
  }
}
