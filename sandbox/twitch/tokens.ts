import type { Random } from './random.ts';

const ALPHABET = [...'abcdefghijklmnopqrstuvwxyz0123456789'];

/** App access tokens: issued, checked, revoked. Any number of them are valid side by side, as at Twitch. */
export class Tokens {
  /** Lifetime of tokens issued from now on, in seconds; about 58 days at Twitch. */
  lifetimeSeconds: number;
  issued = 0;
  readonly #random: Random;
  readonly #expiresAtMs = new Map<string, number>();

  constructor(random: Random, lifetimeSeconds: number) {
    this.#random = random;
    this.lifetimeSeconds = lifetimeSeconds;
  }

  issue(): { access_token: string; expires_in: number; token_type: 'bearer' } {
    const token = Array.from({ length: 30 }, () => this.#random.pick(ALPHABET)).join('');
    this.#expiresAtMs.set(token, Date.now() + this.lifetimeSeconds * 1000);
    this.issued++;
    return { access_token: token, expires_in: this.lifetimeSeconds, token_type: 'bearer' };
  }

  /** Seconds that the token is still valid; undefined for one that is unknown, expired or revoked. */
  expiresInSeconds(token: string): number | undefined {
    const expiresAtMs = this.#expiresAtMs.get(token);
    if (expiresAtMs === undefined) return undefined;
    if (expiresAtMs > Date.now()) return Math.floor((expiresAtMs - Date.now()) / 1000);
    this.#expiresAtMs.delete(token);
    return undefined;
  }

  /** Makes every token invalid at once and returns how many there were. */
  revokeAll(): number {
    const count = this.#expiresAtMs.size;
    this.#expiresAtMs.clear();
    return count;
  }
}
