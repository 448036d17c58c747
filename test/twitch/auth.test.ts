import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { Secret } from '../../src/config/secret.ts';
import { AppAccessToken } from '../../src/twitch/auth.ts';
import { type Answer, TwitchError } from '../../src/twitch/errors.ts';
import type { HttpRequest } from '../../src/twitch/http.ts';
import { answer, CLIENT_ID, CLIENT_SECRET, collectingLogger, twitchError } from './support.ts';

const DAY_MS = 86_400_000;
const unreach = (): Answer => {
  throw new TwitchError('network', 'POST https://twitch.test/oauth2/token failed (ECONNREFUSED)');
};

let nowMs: number;
/** How far the wall clock was set back since. */
let leapMs: number;
let calls: { token: number; validate: number };
let requests: HttpRequest[];
/** What the endpoints answer; a test replaces them. */
let onToken: () => Answer | Promise<Answer>;
let onValidate: (authorization: string) => Answer | Promise<Answer>;
let lines: string[];

function issue(expires_in: unknown = 5_000_000): Answer {
  return answer(200, { access_token: `token-${calls.token}`, expires_in, token_type: 'bearer' });
}

function newToken(validateTtlSeconds = 30): AppAccessToken {
  const collected = collectingLogger();
  lines = collected.lines;
  return new AppAccessToken({
    clientId: CLIENT_ID,
    clientSecret: new Secret(CLIENT_SECRET),
    validateTtlSeconds,
    logger: collected.logger,
    now: () => nowMs,
    lifetime: () => nowMs + leapMs,
    auth: {
      async send(request) {
        requests.push(request);
        // As on a network, nothing is answered at once.
        await new Promise((resolve) => setImmediate(resolve));
        if (request.path === '/token') {
          calls.token += 1;
          return await onToken();
        }
        calls.validate += 1;
        return await onValidate(request.headers.authorization ?? '');
      },
    },
  });
}

beforeEach(() => {
  nowMs = Date.UTC(2026, 0, 1);
  leapMs = 0;
  calls = { token: 0, validate: 0 };
  requests = [];
  onToken = () => issue();
  onValidate = () => answer(200, { client_id: CLIENT_ID, scopes: [], expires_in: 5_000_000 });
});

describe('fetching', () => {
  it('asks for client credentials, form-encoded', async () => {
    assert.equal((await newToken().get()).reveal(), 'token-1');
    const [request] = requests;
    assert.equal(request?.method, 'POST');
    assert.equal(request?.headers['content-type'], 'application/x-www-form-urlencoded');
    assert.equal(request?.body, `client_id=${CLIENT_ID}&client_secret=${CLIENT_SECRET}&grant_type=client_credentials`);
  });

  it('is done once for all who wait, and not again while the token lives', async () => {
    const token = newToken(3600);
    const secrets = await Promise.all(Array.from({ length: 50 }, () => token.get()));
    assert.equal(new Set(secrets).size, 1);
    await token.get();
    assert.deepEqual(calls, { token: 1, validate: 0 });
  });

  it('goes on for the others when one caller aborts', async () => {
    const token = newToken();
    const abort = new AbortController();
    const impatient = token.get(abort.signal);
    const patient = token.get();
    abort.abort(new Error('not needed any more'));
    await assert.rejects(impatient, /not needed any more/);
    assert.equal((await patient).reveal(), 'token-1');
    assert.equal(calls.token, 1);
  });

  it('does not crash the process when it fails after its only caller has left', async () => {
    onToken = unreach;
    const abort = new AbortController();
    const left = newToken().get(abort.signal);
    abort.abort(new Error('left'));
    await assert.rejects(left, /left/);
    await new Promise((resolve) => setTimeout(resolve, 20));
  });

  it('does nothing for a caller that has aborted before', async () => {
    await assert.rejects(newToken().get(AbortSignal.abort(new Error('too late'))), /too late/);
    assert.deepEqual(calls, { token: 0, validate: 0 });
  });

  it('replaces a token a minute before it expires', async () => {
    const token = newToken(3600);
    onToken = () => issue(3600);
    await token.get();
    nowMs += 3_539_000;
    assert.equal((await token.get()).reveal(), 'token-1');
    nowMs += 1_000;
    assert.equal((await token.get()).reveal(), 'token-2');
  });

  it('uses a short-lived token for nine tenths of its life instead of fetching without end', async () => {
    const token = newToken();
    onToken = () => issue(10);
    await token.get();
    nowMs += 8_999;
    await token.get();
    assert.equal(calls.token, 1);
  });

  it('takes any life that Twitch may state', async () => {
    for (const life of [undefined, 0, -3, 1e15, 1e308, 0.001]) {
      onToken = () => issue(life);
      const token = newToken();
      await token.get();
      assert.equal(token.status().state, 'ok', String(life));
    }
  });

  it('remembers for 30 seconds that the credentials were refused', async () => {
    const token = newToken();
    onToken = () => answer(403, { status: 403, message: 'invalid client secret' });
    for (let n = 0; n < 1_000; n++)
      await assert.rejects(token.get(), twitchError('credentials', /TWITCH_CLIENT_SECRET/));
    assert.equal(calls.token, 1);
    assert.match(token.status().detail ?? '', /TWITCH_CLIENT_SECRET/);

    onToken = () => issue();
    nowMs += 30_000;
    assert.equal((await token.get()).reveal(), 'token-2');
    assert.equal(token.status().state, 'ok');
  });

  it('waits for Ratelimit-Reset when /token is rate-limited', async () => {
    const token = newToken();
    onToken = () => ({
      ...answer(429, '', { 'ratelimit-reset': String(nowMs / 1000 + 20) }),
      receivedAtMs: nowMs,
    });
    await assert.rejects(token.get(), twitchError('rate_limited'));
    nowMs += 19_000;
    await assert.rejects(token.get(), twitchError('rate_limited'));
    assert.equal(calls.token, 1);
    nowMs += 1_000;
    onToken = () => issue();
    await token.get();
  });

  it('tries again at once after a server or network error', async () => {
    const token = newToken();
    onToken = () => answer(503, '');
    await assert.rejects(token.get(), twitchError('server'));
    onToken = unreach;
    await assert.rejects(token.get(), twitchError('network'));
    onToken = () => issue();
    assert.equal((await token.get()).reveal(), 'token-3');
  });
});

describe('validating', () => {
  /** A token whose last check is as old as the TTL. */
  const uncheckedToken = async () => {
    const token = newToken(30);
    await token.get();
    nowMs += 30_000;
    return token;
  };

  it('with a TTL of 0 happens before every request', async () => {
    const token = newToken(0);
    for (let n = 0; n < 3; n++) await token.get();
    assert.deepEqual(calls, { token: 1, validate: 3 });
    assert.equal(requests.at(-1)?.headers.authorization, 'OAuth token-1');
  });

  it('with a TTL of 0 is shared by those who ask at once', async () => {
    const token = newToken(0);
    await token.get();
    calls.validate = 0;
    await Promise.all(Array.from({ length: 20 }, () => token.get()));
    assert.equal(calls.validate, 1);
  });

  it('with a TTL happens when the last check is that old', async () => {
    const token = newToken(30);
    await token.get();
    nowMs += 29_999;
    await token.get();
    assert.equal(calls.validate, 0);
    nowMs += 1;
    await token.get();
    await token.get();
    assert.equal(calls.validate, 1);
    nowMs += 30_000;
    await token.get();
    assert.equal(calls.validate, 2);
  });

  it('replaces a token that Twitch calls invalid, once for all who wait', async () => {
    const token = await uncheckedToken();
    onValidate = () => answer(401, { status: 401, message: 'invalid access token' });
    const secrets = await Promise.all(Array.from({ length: 20 }, () => token.get()));
    assert.deepEqual(new Set(secrets.map((secret) => secret.reveal())), new Set(['token-2']));
    assert.deepEqual(calls, { token: 2, validate: 1 });
  });

  const noAnswers: [string, () => Answer][] = [
    ['is unreachable', unreach],
    ['answers 500', () => answer(500, '')],
    ['answers 429', () => answer(429, '')],
    ['answers garbage', () => answer(200, '<html>')],
  ];
  for (const [what, respond] of noAnswers) {
    it(`goes on with the token when /validate ${what}, and asks again later`, async () => {
      const token = await uncheckedToken();
      onValidate = respond;
      assert.equal((await token.get()).reveal(), 'token-1');
      assert.equal(calls.validate, 1);
      assert.match(lines.at(-1) ?? '', /did not validate the app access token/);
      // Not before each request: with a hanging /validate each would wait for its timeout.
      await token.get();
      assert.equal(calls.validate, 1);
      nowMs += 5_000;
      await token.get();
      assert.deepEqual(calls, { token: 1, validate: 2 });
    });
  }

  it('lets a caller go that aborts, and ends for the others', async () => {
    const token = await uncheckedToken();
    const abort = new AbortController();
    const impatient = assert.rejects(token.get(abort.signal), /enough/);
    const patient = token.get();
    abort.abort(new Error('enough'));
    await impatient;
    assert.equal((await patient).reveal(), 'token-1');
    assert.equal(calls.validate, 1);
  });

  it('does not save a token that has expired', async () => {
    const token = newToken(30);
    onToken = () => issue(3600);
    await token.get();
    nowMs += 3_600_000;
    onValidate = unreach;
    assert.equal((await token.get()).reveal(), 'token-2');
  });

  it('believes the life that /validate states', async () => {
    const token = await uncheckedToken();
    onValidate = () => answer(200, { client_id: CLIENT_ID, expires_in: 600 });
    await token.get();
    assert.equal(token.status().expiresAt, new Date(nowMs + 600_000).toISOString());
    nowMs += 540_000;
    assert.equal((await token.get()).reveal(), 'token-2');
  });
});

describe('renewing', () => {
  it('fetches once for many that were refused with the same token', async () => {
    const token = newToken();
    const old = await token.get();
    const renewed = await Promise.all(Array.from({ length: 20 }, () => token.renew(old)));
    assert.deepEqual(new Set(renewed.map((secret) => secret.reveal())), new Set(['token-2']));
    assert.equal((await token.renew(old)).reveal(), 'token-2');
    assert.equal(calls.token, 2);
  });

  it('stops for 5 seconds when a new token is refused as well', async () => {
    const token = newToken();
    const renewed = await token.renew(await token.get());
    token.refused(renewed, new TwitchError('unauthorized', 'GET https://twitch.test/helix/streams answered 401'));
    await assert.rejects(token.get(), twitchError('unauthorized'));
    assert.equal(token.status().state, 'failed');
    nowMs += 5_000;
    assert.equal((await token.get()).reveal(), 'token-3');
  });

  it('keeps a token that has replaced the refused one meanwhile', async () => {
    const token = newToken();
    const old = await token.get();
    await token.renew(old);
    token.refused(old, new TwitchError('unauthorized', 'answered 401'));
    assert.equal((await token.get()).reveal(), 'token-2');
  });
});

describe('a wall clock that is set back by an hour', () => {
  const setBack = () => {
    nowMs -= 3_600_000;
    leapMs += 3_600_000;
  };

  it('keeps no token valid for longer, nor trusted', async () => {
    const token = newToken();
    onToken = () => issue(600);
    onValidate = () => answer(200, { client_id: CLIENT_ID, expires_in: 570 });
    await token.get();
    setBack();
    nowMs += 30_000;
    await token.get();
    assert.equal(calls.validate, 1);
    const { expiresAt } = token.status();
    assert.equal(expiresAt, new Date(nowMs + 570_000).toISOString(), 'shown by the wall clock');
    nowMs += 540_000;
    assert.equal((await token.get()).reveal(), 'token-2');
  });

  it('makes no refusal last for longer', async () => {
    const token = newToken();
    onToken = () => answer(403, { status: 403, message: 'invalid client secret' });
    await assert.rejects(token.get(), twitchError('credentials'));
    onToken = () => issue();
    setBack();
    nowMs += 30_000;
    assert.equal((await token.get()).reveal(), 'token-2');
  });
});

describe('status', () => {
  it('is none, then ok until the token expires', async () => {
    const token = newToken();
    assert.deepEqual(token.status(), { state: 'none' });
    onToken = () => issue(60 * 86_400);
    await token.get();
    assert.deepEqual(token.status(), { state: 'ok', expiresAt: new Date(nowMs + 60 * DAY_MS).toISOString() });
    nowMs += 60 * DAY_MS;
    assert.deepEqual(token.status(), { state: 'none' });
  });
});
