import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Secret } from '../../src/config/secret.ts';
import { helixError, quote, type TwitchErrorKind, tokenError } from '../../src/twitch/errors.ts';
import { readRateLimit, retryAtMs } from '../../src/twitch/rate.ts';
import { answer } from './support.ts';

const NOW_MS = 1_800_000_000_000;

describe('helixError', () => {
  const cases: [number, unknown, TwitchErrorKind][] = [
    [400, { error: 'Bad Request', status: 400, message: 'The parameter "user_id" was malformed' }, 'bad_request'],
    [400, { error: 'Bad Request', status: 400, message: 'Invalid cursor.' }, 'invalid_cursor'],
    [400, { error: 'Bad Request', status: 400, message: 'The parameter "after" was malformed' }, 'invalid_cursor'],
    [401, { error: 'Unauthorized', status: 401, message: 'Invalid OAuth token' }, 'unauthorized'],
    [403, 'forbidden', 'bad_request'],
    [404, '<html>not here</html>', 'bad_request'],
    [408, '', 'server'],
    [429, { error: 'Too Many Requests', status: 429, message: 'Request limit exceeded' }, 'rate_limited'],
    [500, '', 'server'],
    [503, '<html>Service Unavailable</html>', 'server'],
    [204, '', 'invalid_response'],
    [302, '', 'invalid_response'],
  ];
  for (const [status, body, kind] of cases) {
    it(`${status} ${JSON.stringify(body)} is ${kind}`, () => {
      const error = helixError(answer(status, body), []);
      assert.equal(error.kind, kind);
      assert.equal(error.status, status);
      assert.match(error.message, new RegExp(`^GET https://twitch.test/helix/streams answered ${status}`));
    });
  }

  it("quotes Twitch's message", () => {
    const error = helixError(answer(400, { error: 'Bad Request', status: 400, message: 'no such thing' }), []);
    assert.equal(error.message, 'GET https://twitch.test/helix/streams answered 400: no such thing');
  });
});

describe('tokenError', () => {
  const cases: [number, string, RegExp, RegExp][] = [
    [403, 'invalid client secret', /TWITCH_CLIENT_SECRET/, /TWITCH_CLIENT_ID/],
    [400, 'invalid client', /TWITCH_CLIENT_ID/, /TWITCH_CLIENT_SECRET/],
    [400, 'missing client id', /TWITCH_CLIENT_ID/, /TWITCH_CLIENT_SECRET/],
  ];
  for (const [status, message, named, notNamed] of cases) {
    it(`${status} "${message}" is credentials and names ${named.source}`, () => {
      const error = tokenError(answer(status, { status, message }), []);
      assert.equal(error.kind, 'credentials');
      assert.match(error.message, named);
      assert.doesNotMatch(error.message, notNamed);
      assert.match(error.message, /dev\.twitch\.tv\/console\/apps/);
    });
  }

  it('names both settings when Twitch does not say which', () => {
    const { kind, message } = tokenError(answer(400, 'no'), []);
    assert.equal(kind, 'credentials');
    assert.match(message, /TWITCH_CLIENT_ID and TWITCH_CLIENT_SECRET/);
  });

  it('quotes no body that is not an error of Twitch: it may hold a token', () => {
    for (const status of [201, 400, 500]) {
      assert.doesNotMatch(tokenError(answer(status, { access_token: 'abc123' }), []).message, /abc123/);
    }
  });

  it('a server error is no reason to doubt the credentials', () => {
    assert.equal(tokenError(answer(503, ''), []).kind, 'server');
  });
});

describe('quote', () => {
  it('keeps one line of at most 200 characters', () => {
    const quoted = quote(`a\r\n\0b${'x'.repeat(10_000)}`, []);
    assert.match(quoted, /^a bx+…$/);
    assert.equal(quoted.length, 201);
  });

  it('never shows a secret that the server echoed, in whatever form it was sent', () => {
    fc.assert(
      fc.property(
        fc.stringMatching(/^[\x21-\x7e]{8,40}$/),
        fc.string({ unit: 'binary' }),
        fc.string({ unit: 'binary' }),
        fc.boolean(),
        (value, before, behind, asJson) => {
          const text = `${before}${value}${behind}${encodeURIComponent(value)}`;
          const { message } = helixError(answer(500, asJson ? { message: text } : text), [new Secret(value)]);
          assert.ok(!message.includes(value) && !message.includes(encodeURIComponent(value)), message);
        },
      ),
    );
  });
});

describe('Ratelimit-Reset', () => {
  const reset = (value: string | string[] | undefined) => retryAtMs({ 'ratelimit-reset': value }, NOW_MS) - NOW_MS;

  it('is waited for', () => assert.equal(reset('1800000020'), 20_000));
  it('is 10 seconds off when missing or garbage', () => {
    for (const value of [undefined, '', 'soon', '-5', '1e99', '12.5', '0x10', '9'.repeat(400), ['1800000020', '1']]) {
      assert.equal(reset(value), 10_000, String(value));
    }
  });
  it('is a second off when it has passed', () => {
    assert.equal(reset('0'), 1_000);
    assert.equal(reset('1800000000'), 1_000);
  });
  it('is a minute off at most', () => {
    assert.equal(reset('1800003600'), 60_000);
    assert.equal(reset(String(NOW_MS)), 60_000);
  });
  it('is within 1 to 60 seconds whatever the header', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.integer().map(String), fc.array(fc.string())), (value) => {
        const waitMs = reset(value);
        assert.ok(waitMs >= 1_000 && waitMs <= 60_000, String(waitMs));
      }),
    );
  });
});

describe('readRateLimit', () => {
  it('reads the three headers', () => {
    const headers = { 'ratelimit-limit': '800', 'ratelimit-remaining': '799', 'ratelimit-reset': '1800000001' };
    assert.deepEqual(readRateLimit(headers, NOW_MS), { limit: 800, remaining: 799, resetAtMs: NOW_MS + 1_000 });
  });

  it('is undefined unless all three are numbers', () => {
    assert.equal(readRateLimit({}, NOW_MS), undefined);
    assert.equal(readRateLimit({ 'ratelimit-limit': '800', 'ratelimit-reset': '1' }, NOW_MS), undefined);
    const headers = { 'ratelimit-limit': '800', 'ratelimit-remaining': 'many', 'ratelimit-reset': '1800000001' };
    assert.equal(readRateLimit(headers, NOW_MS), undefined);
  });
});
