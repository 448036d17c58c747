import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTcpServer, type Socket } from 'node:net';
import { after } from 'node:test';
import { inspect } from 'node:util';
import { pino } from 'pino';
import { startTwitchSandbox, type TwitchSandboxOptions } from '../../sandbox/twitch/index.ts';
import { Secret } from '../../src/config/secret.ts';
import { TwitchClient, type TwitchClientOptions } from '../../src/twitch/client.ts';
import { type Answer, TwitchError, type TwitchErrorKind } from '../../src/twitch/errors.ts';
import { serve } from '../support/serve.ts';

export const CLIENT_ID = 'sandboxclient';
export const CLIENT_SECRET = 'sandboxsecret';

/** A logger whose lines a test can read. */
export function collectingLogger() {
  const lines: string[] = [];
  const logger = pino({ level: 'trace' }, { write: (line: string) => void lines.push(line) });
  return { logger, lines };
}

export function answer(status: number, body: unknown, headers: Answer['headers'] = {}): Answer {
  return {
    what: 'GET https://twitch.test/helix/streams',
    status,
    headers,
    body: typeof body === 'string' ? body : JSON.stringify(body),
    receivedAtMs: 1_000_000,
  };
}

/** Everything that a log, a console or a history could show of an error. */
export function shown(error: unknown): string {
  const { logger, lines } = collectingLogger();
  logger.error({ err: error });
  return `${inspect(error, { depth: 20, showHidden: true })}\n${String(error)}\n${JSON.stringify(error)}\n${lines.join('')}`;
}

/** For `assert.rejects`: a TwitchError of this kind, whose message matches. */
export function twitchError(kind: TwitchErrorKind, message: RegExp = /./) {
  return (error: unknown): true => {
    assert.ok(error instanceof TwitchError, `expected a TwitchError, got ${inspect(error)}`);
    assert.equal(error.kind, kind, error.message);
    assert.match(error.message, message);
    return true;
  };
}

/** A client for two base URLs, with its log; closed after the test. */
export function clientFor(
  { apiUrl, authUrl }: Pick<TwitchClientOptions, 'apiUrl' | 'authUrl'>,
  options: Partial<TwitchClientOptions> = {},
) {
  const { logger, lines } = collectingLogger();
  const client = new TwitchClient({
    clientId: CLIENT_ID,
    clientSecret: new Secret(CLIENT_SECRET),
    validateTtlSeconds: 30,
    logger,
    apiUrl,
    authUrl,
    ...options,
  });
  after(() => client.close());
  return { client, lines };
}

/** A sandbox of its own and a client for it, both closed after the test. */
export async function sandboxAndClient(
  options: Partial<TwitchClientOptions> = {},
  sandboxOptions: TwitchSandboxOptions = {},
) {
  const sandbox = await startTwitchSandbox({ clientId: CLIENT_ID, clientSecret: CLIENT_SECRET, ...sandboxOptions });
  after(() => sandbox.close());
  return { sandbox, ...clientFor(sandbox, options) };
}

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** An HTTP server that issues tokens at /token and leaves the rest to `helix`. */
export async function serverAndClient(helix: Handler, options: Partial<TwitchClientOptions> = {}) {
  let issued = 0;
  const server = createServer((request, response) => {
    if (request.url === '/oauth2/token') {
      issued += 1;
      request.resume();
      response.end(
        JSON.stringify({ access_token: `app-token-${issued}`, expires_in: 5_000_000, token_type: 'bearer' }),
      );
    } else {
      helix(request, response);
    }
  });
  const url = `http://127.0.0.1:${await serve(server)}`;
  return { url, ...clientFor({ apiUrl: `${url}/helix`, authUrl: `${url}/oauth2` }, options) };
}

/** A TCP server for what no HTTP server would send. Returns its URL. */
export async function tcpServer(onRequest: (socket: Socket) => void): Promise<string> {
  const server = createTcpServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => onRequest(socket));
  });
  return `http://127.0.0.1:${await serve(server)}`;
}
