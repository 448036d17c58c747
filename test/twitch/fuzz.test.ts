import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { it } from 'node:test';
import fc from 'fast-check';
import { Secret } from '../../src/config/secret.ts';
import { TwitchError } from '../../src/twitch/errors.ts';
import { serve } from '../support/serve.ts';
import { clientFor, shown } from './support.ts';

const SECRET = 'the-client-secret-5eC0';
const TOKEN = 'the-app-token-70kEn';

interface Scripted {
  status: number;
  headers: Record<string, string>;
  body: Uint8Array | string;
}

/** Servers that tell the world what they were sent: the token to Helix and /validate, the secret to /token. */
const echoes = (sent: string) => [
  `{"message":"invalid ${sent}"}`,
  `<pre>Authorization: Bearer ${sent}\nclient_secret=${sent}</pre>`,
  `${'x'.repeat(190)}${sent}`,
];
const anyBody = fc.oneof(
  fc.json(),
  fc.uint8Array({ maxLength: 500 }),
  fc.record({ data: fc.jsonValue(), pagination: fc.jsonValue() }).map((value) => JSON.stringify(value)),
  fc.record({ data: fc.array(fc.jsonValue()) }).map((value) => JSON.stringify(value)),
  fc.record({ access_token: fc.jsonValue(), expires_in: fc.jsonValue() }).map((value) => JSON.stringify(value)),
  fc.constantFrom(`{"access_token":"${TOKEN}`, `{"access_token":"${TOKEN}","expires_in":"long"}`),
);
const anyAnswer = (sent: string): fc.Arbitrary<Scripted> =>
  fc.record({
    status: fc.oneof(
      { weight: 2, arbitrary: fc.constant(200) },
      fc.constantFrom(400, 401, 403, 429, 500),
      fc.integer({ min: 200, max: 599 }),
    ),
    headers: fc.dictionary(
      fc.constantFrom('Ratelimit-Limit', 'Ratelimit-Remaining', 'Ratelimit-Reset', 'Content-Type', 'Retry-After'),
      fc.stringMatching(/^[\x21-\x7e]{1,20}$/),
    ),
    body: fc.oneof({ weight: 3, arbitrary: anyBody }, fc.constantFrom(...echoes(sent))),
  });
const goodToken: Scripted = {
  status: 200,
  headers: {},
  body: JSON.stringify({ access_token: TOKEN, expires_in: 9e6 }),
};
const goodValidation: Scripted = { status: 200, headers: {}, body: '{"expires_in":9000000}' };

it('whatever Helix and OAuth answer, a request succeeds or throws a TwitchError, and no secret shows', async () => {
  const script = { token: goodToken, validate: goodValidation, streams: goodToken };
  const server = createServer((request, response) => {
    const name = /\/(token|validate|streams)/.exec(request.url ?? '')?.[1] as keyof typeof script;
    const { status, headers, body } = script[name];
    request.resume();
    response.writeHead(status, headers).end(body);
  });
  const url = `http://127.0.0.1:${await serve(server)}`;
  const urls = { apiUrl: `${url}/helix`, authUrl: `${url}/oauth2` };

  const outcomes: Record<string, number> = {};
  await fc.assert(
    fc.asyncProperty(
      fc.oneof({ weight: 2, arbitrary: fc.constant(goodToken) }, anyAnswer(SECRET)),
      fc.oneof({ weight: 2, arbitrary: fc.constant(goodValidation) }, anyAnswer(TOKEN)),
      anyAnswer(TOKEN),
      async (token, validate, streams) => {
        Object.assign(script, { token, validate, streams });
        const { client, lines } = clientFor(urls, { clientSecret: new Secret(SECRET), validateTtlSeconds: 0 });
        let seen = '';
        try {
          for (let n = 0; n < 2; n++) {
            const outcome = await client
              .getStreams({ kind: 'game', ids: ['1'] })
              .then(() => 'page')
              .catch((error: unknown) => {
                assert.ok(error instanceof TwitchError, shown(error));
                if (error.kind === 'rate_limited') assert.ok(Number.isFinite(error.retryAtMs));
                seen += shown(error);
                return error.kind;
              });
            outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
          }
          seen += JSON.stringify([client.tokenStatus(), client.lastRate() ?? null]) + lines.join('');
        } finally {
          await client.close();
        }
        assert.ok(!seen.includes(SECRET) && !seen.includes(TOKEN), seen);
      },
    ),
    { numRuns: 300 },
  );
  // A script that never reached some outcome would prove little.
  for (const kind of ['page', 'credentials', 'rate_limited', 'unauthorized', 'server', 'invalid_response']) {
    assert.ok(outcomes[kind], `${kind} did not occur in ${JSON.stringify(outcomes)}`);
  }
});
