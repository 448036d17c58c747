import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { FaultOrder } from '../../sandbox/twitch/index.ts';
import { clientFor, sandboxAndClient, serverAndClient, shown, tcpServer, twitchError } from './support.ts';

const query = { kind: 'user', ids: ['1', '2'] } as const;
// undici checks its timeouts twice a second: those of 100 ms strike within 1.1 s.
const SHORT = { headersTimeoutMs: 100, bodyTimeoutMs: 100, totalTimeoutMs: 3_000 };

describe('a fault of Twitch', () => {
  const cases: [string, FaultOrder, Parameters<typeof twitchError>][] = [
    ['500', { kind: 'status', status: 500 }, ['server', /answered 500/]],
    ['503 with a page of HTML', { kind: 'status', status: 503, html: true }, ['server', /503 Service/]],
    ['400', { kind: 'status', status: 400, body: '{"status":400,"message":"bad ids"}' }, ['bad_request', /: bad ids$/]],
    ['JSON that ends half-way', { kind: 'garbage', as: 'invalidJson' }, ['invalid_response', /not JSON/]],
    ['JSON of another shape', { kind: 'garbage', as: 'wrongShape' }, ['invalid_response', /unexpected shape \(data/]],
    ['a cut before the headers', { kind: 'cut', at: 'headers' }, ['network', /UND_ERR_SOCKET/]],
    ['a cut in the body', { kind: 'cut', at: 'body' }, ['network']],
    ['a reset in the body', { kind: 'cut', at: 'body', reset: true }, ['network']],
    ['headers that come late', { kind: 'slowHeaders', delayMs: 5_000 }, ['network', /HEADERS_TIMEOUT/]],
    ['a body that stops', { kind: 'slowBody', overMs: 10_000 }, ['network', /BODY_TIMEOUT/]],
    ['no answer at all', { kind: 'hang' }, ['network', /HEADERS_TIMEOUT/]],
  ];
  for (const [what, order, expected] of cases) {
    it(`${what} is ${expected[0]}, and the next request works`, async () => {
      const { sandbox, client } = await sandboxAndClient({ http: SHORT });
      for (const userId of query.ids) sandbox.world.goLive({ userId });
      sandbox.faults.add({ ...order, times: 1 });
      const startMs = performance.now();
      await assert.rejects(client.getStreams(query), twitchError(...expected));
      assert.ok(performance.now() - startMs < 2_500);
      // One try each: a retry that Temporal does not see would spend the budget unseen.
      assert.equal(sandbox.stats().helixRequests, 1);
      assert.equal((await client.getStreams(query)).streams.length, 2);
    });
  }

  it('a body that trickles is cut off by the time that a whole request has', async () => {
    const { sandbox, client } = await sandboxAndClient({ http: { totalTimeoutMs: 300 } });
    sandbox.faults.add({ kind: 'slowBody', overMs: 2_000 });
    await assert.rejects(client.getStreams(query), twitchError('network', /not complete after 300 ms/));
  });

  it('429 says when to come back', async () => {
    const { sandbox, client } = await sandboxAndClient();
    sandbox.faults.add({ kind: 'rateLimit', resetInSeconds: 20, times: 1 });
    const error = await client.getStreams(query).catch((caught) => caught);
    twitchError('rate_limited', /429: Request limit exceeded/)(error);
    const waitMs = error.retryAtMs - Date.now();
    assert.ok(waitMs > 17_000 && waitMs <= 21_000, String(waitMs));
    assert.equal(client.lastRate()?.remaining, 0);
  });

  it('a bad cursor has its own kind', async () => {
    const { sandbox, client } = await sandboxAndClient();
    sandbox.faults.add({ kind: 'invalidCursor' });
    await assert.rejects(client.getStreams({ ...query, after: 'abc' }), twitchError('invalid_cursor'));
  });
});

describe('the network', () => {
  it('keeps the cause when nobody listens', async () => {
    const { client } = clientFor({ apiUrl: 'http://127.0.0.1:1/helix', authUrl: 'http://127.0.0.1:1/oauth2' });
    const error = await client.getStreams(query).catch((caught) => caught);
    twitchError('network', /ECONNREFUSED/)(error);
    assert.equal(error.cause.code, 'ECONNREFUSED');
    assert.equal(client.tokenStatus().state, 'failed');
  });

  it('does not follow a redirect', async () => {
    const { client } = await serverAndClient((_request, response) => {
      response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end();
    });
    await assert.rejects(client.getStreams(query), twitchError('invalid_response', /302/));
  });

  it('refuses an answer that is too large, stated or not, without reading it all', async () => {
    for (const headers of [{}, { 'content-length': '50000000' }]) {
      let sentBytes = 0;
      const { client } = await serverAndClient(
        (_request, response) => {
          response.writeHead(200, headers);
          const more = () => {
            while (!response.destroyed && sentBytes < 50_000_000) {
              sentBytes += 10_000;
              if (!response.write(' '.repeat(10_000))) {
                response.once('drain', more);
                return;
              }
            }
          };
          more();
        },
        { http: { maxBodyBytes: 100_000 } },
      );
      await assert.rejects(client.getStreams(query), twitchError('too_large', /larger than 100000 bytes/));
      assert.ok(sentBytes < 20_000_000, String(sentBytes));
    }
  });

  it('takes bytes that are no HTTP for a network error, and does not show them', async () => {
    for (const bytes of [
      'SSH-2.0-token-7a7a7a\r\n',
      'HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\ntoken-7a7a7a',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\ntoken-7a7a7a',
      'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"access_token":"token-7a7a7a"',
      '',
    ]) {
      const url = await tcpServer((socket) => socket.end(bytes));
      const { client, lines } = clientFor({ apiUrl: url, authUrl: url });
      const error = await client.getStreams(query).catch((caught) => caught);
      twitchError('network')(error);
      assert.doesNotMatch(shown(error) + lines.join(''), /SSH|7a7a7a/);
    }
  });
});

describe('a caller', () => {
  it('that aborts gets its own reason, and the connection is not waited for', async () => {
    const { sandbox, client } = await sandboxAndClient();
    await client.getStreams(query);
    sandbox.faults.add({ kind: 'hang' });
    const abort = new AbortController();
    const reason = new Error('the activity was cancelled');
    setTimeout(() => abort.abort(reason), 30);
    await assert.rejects(client.getStreams(query, abort.signal), reason);
    sandbox.faults.clear();
    await client.getStreams(query);
  });

  it('that aborted before sends nothing', async () => {
    const { sandbox, client } = await sandboxAndClient();
    await client.getStreams(query);
    await assert.rejects(client.getStreams(query, AbortSignal.abort(new Error('gone'))), /gone/);
    assert.equal(sandbox.stats().helixRequests, 1);
  });

  it('that closes the client has its requests ended at once', async () => {
    const { sandbox, client } = await sandboxAndClient();
    await client.getStreams(query);
    sandbox.faults.add({ kind: 'hang' });
    const pending = assert.rejects(client.getStreams(query), twitchError('network'));
    await new Promise((resolve) => setTimeout(resolve, 30));
    const startMs = performance.now();
    await client.close();
    await pending;
    assert.ok(performance.now() - startMs < 1_000);
    await assert.rejects(client.getStreams(query), twitchError('network', /DESTROYED/));
    await client.close();
  });
});

describe('base URLs', () => {
  it('keep their path, and a user name or password in them goes nowhere', async () => {
    const seen: string[] = [];
    const { url, lines } = await serverAndClient((request, response) => {
      seen.push(`${request.url} ${request.headers.authorization}`);
      response.writeHead(500).end();
    });
    const { port } = new URL(url);
    const { client } = clientFor({
      apiUrl: `http://someone:hunter2hunter2@127.0.0.1:${port}/proxy/helix/`,
      authUrl: `http://someone:hunter2hunter2@127.0.0.1:${port}/oauth2`,
    });
    const error = await client.getStreams(query).catch((caught) => caught);
    twitchError('server', /GET http:\/\/127\.0\.0\.1:\d+\/proxy\/helix\/streams answered 500$/)(error);
    assert.deepEqual(seen, ['/proxy/helix/streams?first=100&user_id=1&user_id=2 Bearer app-token-1']);
    assert.doesNotMatch(shown(error) + lines.join(''), /hunter2/);
  });
});
