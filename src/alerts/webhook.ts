import { request } from 'undici';
import type { Secret } from '../config/secret.ts';
import { bodyOf, type Notice, type WebhookFormat } from './message.ts';

export interface WebhookOptions {
  url: Secret;
  format: WebhookFormat;
  /** The whole request. */
  timeoutMs?: number;
}

/** What came back. */
export interface Delivery {
  ok: boolean;
  /** `204`, `404: {"message": "Unknown Webhook"}`, `no answer: connect ECONNREFUSED`; never the address. */
  detail: string;
  /** When the receiver wants to be asked again, if it says so. */
  retryAfterMs?: number;
}

const TIMEOUT_MS = 5_000;
/** What of an answer is looked at, in bytes: it is for people to read. */
const ANSWER_BYTES = 2_000;
const SHOWN = 200;
/** A receiver can't keep alerts back for longer than this. */
const RETRY_AFTER_MOST_MS = 5 * 60_000;

/** Sends alerts to an HTTP address, one at a time; whether to try again is the caller's to decide. */
export class Webhook {
  readonly #options: WebhookOptions;

  constructor(options: WebhookOptions) {
    this.#options = options;
  }

  /** Never throws. */
  async post(notice: Notice): Promise<Delivery> {
    const { url, format, timeoutMs = TIMEOUT_MS } = this.#options;
    try {
      const { statusCode, headers, body } = await request(url.reveal(), {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'user-agent': 'stream-poller' },
        body: JSON.stringify(bodyOf(notice, format)),
        signal: AbortSignal.timeout(timeoutMs),
      });
      let text = '';
      for await (const chunk of body) {
        text += String(chunk);
        if (text.length > ANSWER_BYTES) break;
      }
      const ok = statusCode >= 200 && statusCode < 300;
      const said = text.replace(/\s+/g, ' ').trim().slice(0, SHOWN).toWellFormed();
      const retryAfterMs = ok ? undefined : readRetryAfter(headers['retry-after']);
      return {
        ok,
        detail: said ? `${statusCode}: ${this.#withoutSecret(said)}` : String(statusCode),
        ...(retryAfterMs !== undefined && { retryAfterMs }),
      };
    } catch (error) {
      const { message, code, name } = error as Error & { code?: string };
      const why = name === 'TimeoutError' ? `nothing within ${timeoutMs / 1_000} s` : message || code || name;
      return { ok: false, detail: `no answer: ${this.#withoutSecret(why)}` };
    }
  }

  /** An answer or an error may quote the address, whose path is the secret. */
  #withoutSecret(text: string): string {
    const { href, pathname, search } = new URL(this.#options.url.reveal());
    return [href, pathname + search, pathname]
      .filter((part) => part.length > 1)
      .reduce((left, part) => left.replaceAll(part, '[redacted]'), text);
  }
}

/** Seconds, or a date (RFC 9110, 10.2.3). Discord sends seconds with a fraction. */
function readRetryAfter(header: string | string[] | undefined): number | undefined {
  if (typeof header !== 'string') return undefined;
  const ms = /^\d+(\.\d+)?$/.test(header) ? 1_000 * Number(header) : Date.parse(header) - Date.now();
  return Number.isFinite(ms) ? Math.min(Math.max(0, ms), RETRY_AFTER_MOST_MS) : undefined;
}
