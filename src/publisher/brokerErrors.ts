import querystring from 'node:querystring';
import type { Secret } from '../config/secret.ts';

/** Something that trying again does not mend: its message says what the operator can do. */
export class BrokerConfigurationError extends Error {
  constructor(message: string, cause: unknown) {
    super(message, { cause });
    this.name = 'BrokerConfigurationError';
  }
}

/** The AMQP reply code of an error that the broker sent, for example 404 (AMQP 0-9-1, section 1.2 of the reference). */
export function replyCode(error: unknown): number | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'number' ? code : undefined;
}

/** The broker's own words, without amqplib's wrapping: `Operation failed: QueueDeclare; 404 (…) with message "…"`. */
export function brokerText(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return /with message "(.*)"$/s.exec(message)?.[1] ?? message;
}

/**
 * Recognises a refused login or virtual host. amqplib gives these errors no code, only a text (2.3.1,
 * `lib/connection.js`).
 */
export function explainConnectFailure(error: unknown, url: Secret): Error {
  const message = brokerText(error);
  if (error instanceof Error && /^Handshake terminated by server: 403/.test(error.message)) {
    return new BrokerConfigurationError(
      `the broker refused the login (${message}): correct the user name and password in RABBITMQ_URL`,
      error,
    );
  }
  if (/Expected ConnectionOpenOk; got <ConnectionClose/.test(message)) {
    // As amqplib reads it.
    const vhost = querystring.unescape(new URL(url.reveal()).pathname.slice(1)) || '/';
    return new BrokerConfigurationError(
      `the broker does not let this user into the virtual host '${vhost}': create it, give the user permissions on it, ` +
        'or correct the path of RABBITMQ_URL',
      error,
    );
  }
  return error instanceof Error ? error : new Error(message);
}
