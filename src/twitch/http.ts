import { Agent, request } from 'undici';
import { TWITCH_REQUEST } from '../poll/limits.ts';
import { type Answer, TwitchError } from './errors.ts';

/** Limits of one origin's connections; times in milliseconds, by default those of `poll/limits.ts`. */
export interface HttpLimits {
  /**
   * Connections to keep at most (default 16). Requests beyond that queue inside `totalTimeoutMs`: at Twitch's 13.3
   * requests a second, 16 keep up until an answer takes 1.2 s, and idle ones cost nothing.
   */
  connections: number;
  connectTimeoutMs: number;
  /** From the request's last byte to the end of the answer's headers. */
  headersTimeoutMs: number;
  /** Between two pieces of the body. */
  bodyTimeoutMs: number;
  /** The whole request, its wait for a connection included. */
  totalTimeoutMs: number;
  /**
   * Default 32 MiB. A page of 100 streams is about 80 KB; were each of their titles 300 KB long, it would still be read, and
   * nobody's neighbours would be missed.
   */
  maxBodyBytes: number;
}

const DEFAULT_LIMITS: HttpLimits = {
  connections: 16,
  ...TWITCH_REQUEST,
  maxBodyBytes: 32 * 1024 * 1024,
};

export interface HttpRequest {
  method: 'GET' | 'POST';
  /** Appended to the base URL's path. */
  path: string;
  query?: URLSearchParams;
  headers: Record<string, string>;
  body?: string;
  /** Overrides the limit for this request. */
  totalTimeoutMs?: number;
}

/**
 * One base URL with an undici `Agent` of its own. Nothing is retried here: each try spends a point of Twitch's budget, so
 * Temporal alone decides. HTTP/2 is off because undici 8 lost requests in flight on GOAWAY (undici #5468) and one
 * request at a time per connection gains nothing from it.
 */
export class HttpOrigin {
  readonly #base: URL;
  readonly #limits: HttpLimits;
  readonly #now: () => number;
  readonly #agent: Agent;

  constructor(baseUrl: string, now: () => number, limits: Partial<HttpLimits> = {}) {
    this.#base = new URL(baseUrl);
    this.#now = now;
    this.#limits = { ...DEFAULT_LIMITS, ...limits };
    this.#agent = new Agent({
      allowH2: false,
      pipelining: 1,
      connections: this.#limits.connections,
      connect: { timeout: this.#limits.connectTimeoutMs },
      headersTimeout: this.#limits.headersTimeoutMs,
      bodyTimeout: this.#limits.bodyTimeoutMs,
      maxResponseSize: this.#limits.maxBodyBytes,
    });
  }

  /**
   * Sends one request and reads the whole answer, whatever its status.
   *
   * @throws TwitchError `network` or `too_large`; the signal's reason when the caller aborted
   */
  async send(call: HttpRequest, signal?: AbortSignal): Promise<Answer> {
    signal?.throwIfAborted();
    // Rebuilt from origin and path: a user name or password in the setting must not travel into requests or messages.
    const address = `${this.#base.origin}${this.#base.pathname.replace(/\/+$/, '')}${call.path}`;
    const what = `${call.method} ${address}`;
    const totalMs = call.totalTimeoutMs ?? this.#limits.totalTimeoutMs;
    const deadline = new AbortController();
    // Cleared when done, unlike AbortSignal.timeout: thousands of requests leave no timers behind.
    const timer = setTimeout(
      () => deadline.abort(new DOMException(`not complete after ${totalMs} ms`, 'TimeoutError')),
      totalMs,
    );
    try {
      const answer = await request(call.query ? `${address}?${call.query}` : address, {
        dispatcher: this.#agent,
        method: call.method,
        headers: call.headers,
        ...(call.body === undefined ? {} : { body: call.body }),
        signal: signal ? AbortSignal.any([signal, deadline.signal]) : deadline.signal,
      });
      const body = await answer.body.text();
      return { what, status: answer.statusCode, headers: answer.headers, body, receivedAtMs: this.#now() };
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      throw failure(what, deadline.signal.aborted ? deadline.signal.reason : error, this.#limits.maxBodyBytes);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Ends all connections at once; requests in flight fail with `network`. */
  async close(): Promise<void> {
    await this.#agent.destroy();
  }
}

function failure(what: string, error: unknown, maxBodyBytes: number): TwitchError {
  const cause = error instanceof Error ? error : new Error(String(error));
  const code = 'code' in cause && typeof cause.code === 'string' ? cause.code : cause.name;
  if (code === 'UND_ERR_RES_EXCEEDED_MAX_SIZE') {
    return new TwitchError('too_large', `${what}: the answer is larger than ${maxBodyBytes} bytes`, { cause });
  }
  // undici's parser errors carry the bytes they stumbled over, which may be a token answer.
  if ('data' in cause) delete cause.data;
  return new TwitchError('network', `${what} failed (${code}${cause.message ? `: ${cause.message}` : ''})`, { cause });
}
