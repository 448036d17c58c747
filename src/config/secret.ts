import { inspect } from 'node:util';

/**
 * A value that must not reach a log, an error, a history or a page: everything that prints it prints `shown` instead.
 * `reveal()` is the only way to the value, so that a search for that word finds every use.
 */
export class Secret {
  readonly #value: string;
  readonly #shown: string;

  constructor(value: string, shown = '[redacted]') {
    this.#value = value;
    this.#shown = shown;
  }

  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return this.#shown;
  }

  toJSON(): string {
    return this.#shown;
  }

  [inspect.custom](): string {
    return this.#shown;
  }
}

/** A service's URL, printed without its user name and password. */
export function secretUrl(url: string): Secret {
  const shown = new URL(url);
  shown.username = '';
  shown.password = '';
  shown.search = '';
  return new Secret(url, shown.href);
}
