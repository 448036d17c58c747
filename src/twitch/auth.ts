import { Secret } from '../config/secret.ts';
import { within } from '../lib/deadline.ts';
import type { Logger } from '../lib/log.ts';
import { TOKEN_MARGIN_MS, VALIDATE_MS } from '../poll/limits.ts';
import { helixError, TwitchError, tokenError } from './errors.ts';
import type { HttpOrigin } from './http.ts';
import type { TokenResult } from './observer.ts';
import { parseToken, parseValidation } from './schema.ts';

/** Longer than any token that Twitch issues (about 60 days), and short enough for date arithmetic. */
const MAX_LIFETIME_SECONDS = 366 * 86_400;
/** How long a refusal of the credentials is remembered, so that a thousand waiting activities do not each ask /token. */
const CREDENTIALS_MEMORY_MS = 30_000;
/** The same for Helix refusing a new token: short, because an outage of Twitch's own looks alike. */
const REFUSAL_MEMORY_MS = 5_000;
/** After a check that gave no answer, requests go on for this long before the next one, or each would wait for a timeout. */
const VALIDATE_PAUSE_MS = 5_000;

/** Times by the clock of lifetimes. */
interface Token {
  secret: Secret;
  /** Infinity when Twitch did not say: a 401 then tells. */
  expiresAtMs: number;
  renewAtMs: number;
  /** The next check at /validate. */
  validateAtMs: number;
}

/** For /readyz. `failed` stays until a token has been fetched; `detail` says what to do about it. */
export interface TokenStatus {
  state: 'ok' | 'none' | 'failed';
  detail?: string;
  /** RFC 3339, when known. */
  expiresAt?: string;
}

export interface AppAccessTokenOptions {
  clientId: string;
  clientSecret: Secret;
  auth: Pick<HttpOrigin, 'send'>;
  /** How long a validated token is trusted; 0: asked before every request. */
  validateTtlSeconds: number;
  logger: Logger;
  /** Unix time in milliseconds. */
  now: () => number;
  /** What lifetimes and pauses are measured by: see {@link lifetimeClock}. */
  lifetime: () => number;
  /** Told of each request that has ended. Never throws. */
  onEnd?: (result: TokenResult) => void;
}

/**
 * The app access token (client credentials flow, https://dev.twitch.tv/docs/authentication/getting-tokens-oauth), in memory
 * only. However many callers wait, one request to /token or /validate is in flight, and a caller that gives up does not
 * take it from the others.
 */
export class AppAccessToken {
  readonly #options: AppAccessTokenOptions;
  #token: Token | undefined;
  #fetching: Promise<Token> | undefined;
  #validating: { token: Token; done: Promise<boolean> } | undefined;
  #failure: { error: TwitchError; untilMs: number } | undefined;

  constructor(options: AppAccessTokenOptions) {
    this.#options = options;
  }

  /**
   * A token that is fit for one request: not expired, and checked at /validate when the last check is older than
   * `validateTtlSeconds`. When /validate refuses it, a new one; when /validate gives no answer, the request goes on.
   *
   * @throws TwitchError `credentials` (remembered for 30 s), or as the request to /token failed
   */
  async get(signal?: AbortSignal): Promise<Secret> {
    signal?.throwIfAborted();
    const { lifetime } = this.#options;
    let token = this.#token;
    if (!token || lifetime() >= token.renewAtMs) token = await within(undefined, this.#fetch(), { signal });
    if (lifetime() < token.validateAtMs || (await within(undefined, this.#validate(token), { signal })))
      return token.secret;
    return await this.renew(token.secret, signal);
  }

  /**
   * A new token instead of one that Twitch refused. Of many callers with the same refused token one fetches; a caller
   * whose token has been replaced meanwhile gets the replacement.
   *
   * @throws TwitchError as `get` does
   */
  async renew(rejected: Secret, signal?: AbortSignal): Promise<Secret> {
    signal?.throwIfAborted();
    if (this.#token?.secret === rejected) this.#token = undefined;
    const token = this.#token ?? (await within(undefined, this.#fetch(), { signal }));
    return token.secret;
  }

  /** Twitch refused a token that was just fetched: fetching more does not help, so nobody does for 5 seconds. */
  refused(rejected: Secret, error: TwitchError): void {
    if (this.#token?.secret !== rejected) return;
    this.#token = undefined;
    this.#failure = { error, untilMs: this.#options.lifetime() + REFUSAL_MEMORY_MS };
  }

  status(): TokenStatus {
    const { now, lifetime } = this.#options;
    const leftMs = (this.#token?.expiresAtMs ?? 0) - lifetime();
    if (leftMs > 0) {
      if (leftMs === Number.POSITIVE_INFINITY) return { state: 'ok' };
      return { state: 'ok', expiresAt: new Date(now() + leftMs).toISOString() };
    }
    return this.#failure ? { state: 'failed', detail: this.#failure.error.message } : { state: 'none' };
  }

  #fetch(): Promise<Token> {
    if (this.#failure && this.#options.lifetime() < this.#failure.untilMs) return Promise.reject(this.#failure.error);
    this.#fetching ??= this.#requestToken().finally(() => {
      this.#fetching = undefined;
    });
    return this.#fetching;
  }

  async #requestToken(): Promise<Token> {
    const { clientId, clientSecret, auth, logger } = this.#options;
    try {
      const answer = await auth.send({
        method: 'POST',
        path: '/token',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams({
          client_id: clientId,
          client_secret: clientSecret.reveal(),
          grant_type: 'client_credentials',
        }).toString(),
      });
      if (answer.status !== 200) throw tokenError(answer, [clientSecret]);
      const { accessToken, expiresInSeconds } = parseToken(answer);
      const token: Token = {
        secret: new Secret(accessToken),
        ...this.#lifetime(expiresInSeconds),
        validateAtMs: this.#nextValidation(),
      };
      this.#token = token;
      this.#failure = undefined;
      this.#tell('token', 'ok');
      logger.debug({ expiresInSeconds }, 'new Twitch app access token');
      return token;
    } catch (error) {
      if (error instanceof TwitchError) {
        this.#failure = { error, untilMs: this.#rememberedUntil(error) };
        this.#tell('token', error.kind === 'credentials' ? 'refused' : 'failed');
        logger[error.kind === 'credentials' ? 'error' : 'warn'](
          { err: error },
          'no Twitch app access token: correct what the error names, else wait for Twitch',
        );
      }
      throw error;
    }
  }

  #validate(token: Token): Promise<boolean> {
    if (this.#validating?.token === token) return this.#validating.done;
    const done = this.#requestValidation(token).finally(() => {
      if (this.#validating?.token === token) this.#validating = undefined;
    });
    this.#validating = { token, done };
    return done;
  }

  /** False only when Twitch itself says that the token is not valid: anything less certain is no reason to stop polling. */
  async #requestValidation(token: Token): Promise<boolean> {
    const { auth, clientSecret, logger, lifetime, validateTtlSeconds } = this.#options;
    try {
      const answer = await auth.send({
        method: 'GET',
        path: '/validate',
        headers: { authorization: `OAuth ${token.secret.reveal()}` },
        totalTimeoutMs: VALIDATE_MS,
      });
      if (answer.status === 401) {
        this.#tell('validate', 'refused');
        logger.debug('Twitch says that the app access token is no longer valid: a new one is fetched');
        return false;
      }
      if (answer.status !== 200) throw helixError(answer, [token.secret, clientSecret]);
      const { expiresInSeconds } = parseValidation(answer);
      if (expiresInSeconds !== undefined) Object.assign(token, this.#lifetime(expiresInSeconds));
      token.validateAtMs = this.#nextValidation();
      this.#tell('validate', 'ok');
    } catch (error) {
      if (!(error instanceof TwitchError)) throw error;
      this.#tell('validate', 'failed');
      token.validateAtMs = lifetime() + Math.min(VALIDATE_PAUSE_MS, validateTtlSeconds * 1000);
      logger.warn(
        { err: error },
        'Twitch did not validate the app access token, which is used on: if it lasts, see TWITCH_AUTH_URL',
      );
    }
    return true;
  }

  #tell(endpoint: TokenResult['endpoint'], result: TokenResult['result']): void {
    this.#options.onEnd?.({ endpoint, result });
  }

  /** A token that /token has just issued counts as validated, so that only a TTL of 0 checks it at once. */
  #nextValidation(): number {
    return this.#options.lifetime() + this.#options.validateTtlSeconds * 1000;
  }

  #lifetime(expiresInSeconds: number | undefined): Pick<Token, 'expiresAtMs' | 'renewAtMs'> {
    if (expiresInSeconds === undefined) {
      return { expiresAtMs: Number.POSITIVE_INFINITY, renewAtMs: Number.POSITIVE_INFINITY };
    }
    const lifeMs = Math.min(expiresInSeconds, MAX_LIFETIME_SECONDS) * 1000;
    const expiresAtMs = this.#options.lifetime() + lifeMs;
    return { expiresAtMs, renewAtMs: expiresAtMs - Math.min(TOKEN_MARGIN_MS, lifeMs / 10) };
  }

  /** Only what waiting can't mend sooner is remembered; a server or network error is tried again by the next caller. */
  #rememberedUntil({ kind, retryAtMs }: TwitchError): number {
    const { now, lifetime } = this.#options;
    if (kind === 'credentials') return lifetime() + CREDENTIALS_MEMORY_MS;
    return lifetime() + (retryAtMs === undefined ? 0 : retryAtMs - now());
  }
}
