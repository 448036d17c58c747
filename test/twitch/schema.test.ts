import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { TwitchError } from '../../src/twitch/errors.ts';
import { parseGames, parseStreams, parseToken, parseUsers, parseValidation } from '../../src/twitch/schema.ts';
import { answer, twitchError } from './support.ts';

/** As in Twitch's reference, with the fields that nobody here reads. */
const entry = {
  id: '40952121085',
  user_id: '101051819',
  user_login: 'afro',
  user_name: 'Afro',
  game_id: '32982',
  game_name: 'Grand Theft Auto V',
  type: 'live',
  title: 'Jacob: Digital Den Laptops & Routers',
  tags: ['Español'],
  viewer_count: 1490,
  started_at: '2021-03-10T03:18:11Z',
  language: 'es',
  thumbnail_url: 'https://static-cdn.jtvnw.net/previews-ttv/live_user_afro-{width}x{height}.jpg',
  tag_ids: [],
  is_mature: false,
};
const stream = {
  id: '40952121085',
  userId: '101051819',
  userLogin: 'afro',
  gameId: '32982',
  title: 'Jacob: Digital Den Laptops & Routers',
  startedAt: '2021-03-10T03:18:11Z',
};

const page = (data: unknown, pagination: unknown = {}) => parseStreams(answer(200, { data, pagination }));

describe('parseStreams', () => {
  it('reads what Twitch sends', () => {
    assert.deepEqual(page([entry], { cursor: 'abc' }), { entries: [stream], malformed: 0, cursor: 'abc' });
  });

  it('keeps a stream whose type is empty: it is on air and would be lost', () => {
    assert.deepEqual(page([{ ...entry, type: '' }]).entries, [stream]);
  });

  it('takes opaque ids of visible ASCII, and empty or absent descriptions', () => {
    const bare = { id: 'v2:ab/c', user_id: '~{"', started_at: entry.started_at, title: null, game_id: '' };
    assert.deepEqual(page([bare]).entries, [
      { id: 'v2:ab/c', userId: '~{"', userLogin: '', gameId: '', title: '', startedAt: entry.started_at },
    ]);
  });

  for (const [what, change] of Object.entries({
    'an empty id': { id: '' },
    'a numeric id': { id: 40952121085 },
    'an id longer than an AMQP message id may be': { id: '4'.repeat(300) },
    'an id with a space': { id: '4 4' },
    'an id that no header could carry': { user_id: 'ü\n' },
    'an id with the index’s separator': { user_id: '1\x1f2' },
    'an id of lone surrogates': { id: '\ud83d' },
    'a start with a million digits': { started_at: `2021-03-10T03:18:11.${'1'.repeat(1e6)}Z` },
    'no user id': { user_id: undefined },
    'an empty start': { started_at: '' },
    'a start that is no date': { started_at: '2021-02-30T03:18:11Z' },
    'a start that only V8 would call a date': { started_at: 'stream 1' },
    'a title that is no text': { title: ['?'] },
  })) {
    it(`counts an entry with ${what} and keeps the others`, () => {
      const second = { ...entry, id: '2' };
      const read = page([entry, { ...entry, ...change }, second]);
      assert.deepEqual(read.entries, [stream, { ...stream, id: '2' }]);
      assert.equal(read.malformed, 1);
      assert.match(read.problem ?? '', new RegExp(`^${Object.keys(change)[0]}: `));
    });
  }

  it('makes texts well-formed and bounds them', () => {
    const hostile = '\u0000\u001b[31m\ud83d and \u0085\u2028\u202e';
    const login = 'ü'.repeat(1_000);
    const [read] = page([{ ...entry, title: hostile, user_login: login, game_id: 'no id' }]).entries;
    assert.deepEqual([read?.title, read?.userLogin, read?.gameId], [' \u0020[31m\ufffd and    ', 'ü'.repeat(100), '']);
    const long = page([{ ...entry, title: `x${'😀'.repeat(100_000)}` }]).entries[0]?.title ?? '';
    assert.equal(long, `x${'😀'.repeat(249)}`, 'cut between characters');
    const honest = 'عربي 日本語 👩‍👩‍👧‍👦 🇩🇪 e\u0301';
    assert.equal(page([{ ...entry, title: honest }]).entries[0]?.title, honest);
  });

  it('keeps a page whose cursor can not be used, but for what is behind it', () => {
    for (const cursor of ['x'.repeat(1_025), 'ü', '\ud83d', '\u0000']) {
      const read = page([entry], { cursor });
      assert.deepEqual([read.entries, read.malformed, read.cursor], [[stream], 1, undefined]);
      assert.match(read.problem ?? '', /cursor/);
    }
  });

  it('reads no more entries than a page can have', () => {
    const read = page(Array.from({ length: 5_000 }, (_, n) => ({ ...entry, id: String(n) })));
    assert.deepEqual([read.entries.length, read.malformed], [1_000, 4_000]);
  });

  it('finds no cursor in a last page, however Twitch writes it', () => {
    for (const pagination of [{}, null, { cursor: '' }, { cursor: null }, undefined]) {
      assert.equal('cursor' in parseStreams(answer(200, { data: [entry], pagination })), false);
    }
  });

  it('fails a page whose cursor can not be read: its streams would look ended', () => {
    for (const pagination of [{ cursor: 5 }, 'abc', [{ cursor: 'abc' }].toString()]) {
      assert.throws(() => page([entry], pagination), twitchError('invalid_response', /pagination/));
    }
  });

  it('fails what is no Helix list, without quoting it', () => {
    const bodies = ['', '<html>secret</html>', '[]', 'null', '{"data":{}}', '{"data":null}', '{"data":[{"id":"secret'];
    for (const body of bodies) {
      assert.throws(
        () => parseStreams(answer(200, body)),
        (error: unknown) => {
          assert.ok(twitchError('invalid_response', /answered 200 with/)(error));
          assert.doesNotMatch(String(error), /secret/);
          return true;
        },
      );
    }
  });

  it('finds every good entry amid anything else', () => {
    const good = fc.record({
      id: fc.stringMatching(/^[!-~]{1,64}$/),
      user_id: fc.stringMatching(/^[!-~]{1,64}$/),
      user_login: fc.string({ unit: 'binary' }),
      game_id: fc.oneof(fc.stringMatching(/^[0-9]{0,64}$/), fc.string({ unit: 'binary' })),
      title: fc.string({ unit: 'binary' }),
      type: fc.constantFrom('live', ''),
      started_at: fc
        .date({ noInvalidDate: true, min: new Date(0), max: new Date('9999-12-31') })
        .map((date) => date.toISOString()),
      extra: fc.jsonValue(),
    });
    const bad = fc.oneof(fc.jsonValue(), fc.record({ id: fc.jsonValue(), started_at: fc.constant('never') }));
    const item = fc.oneof(
      good.map((value) => ({ good: true, value: value as unknown })),
      bad.map((value) => ({ good: false, value: value as unknown })),
    );
    fc.assert(
      fc.property(fc.array(item, { maxLength: 100 }), fc.string(), (items, cursor) => {
        const read = page(
          items.map(({ value }) => value),
          { cursor },
        );
        const expected = items.filter((one) => one.good).map(({ value }) => (value as { id: string }).id);
        assert.deepEqual(
          read.entries.map(({ id }) => id),
          expected,
        );
        assert.equal(read.malformed, items.length - expected.length);
        for (const { userLogin, gameId, title, startedAt } of read.entries) {
          assert.ok(userLogin.length <= 100 && title.length <= 500 && startedAt.length <= 40 && gameId.length <= 64);
          for (const text of [userLogin, title]) assert.ok(text.isWellFormed() && !/[\p{Cc}\u2028-\u202e]/u.test(text));
          assert.match(gameId, /^[!-~]*$/);
        }
        assert.equal(read.cursor ?? '', cursor);
      }),
    );
  });

  it('reads a full page in a small part of the 75 ms that it has', () => {
    const body = JSON.stringify({ data: Array.from({ length: 100 }, (_, n) => ({ ...entry, id: String(n) })) });
    const full = answer(200, body);
    for (let warmUp = 0; warmUp < 50; warmUp++) parseStreams(full);
    const startMs = performance.now();
    for (let round = 0; round < 100; round++) assert.equal(parseStreams(full).entries.length, 100);
    // 13 pages a second are the budget. The bound is many times the usual fraction of a millisecond: CI machines stall.
    assert.ok((performance.now() - startMs) / 100 < 10);
  });
});

describe('every parser', () => {
  const parsers = { parseStreams, parseUsers, parseGames, parseToken, parseValidation };
  for (const [name, parse] of Object.entries(parsers)) {
    it(`${name} returns or throws invalid_response for any JSON and any text`, () => {
      const anyBody = fc.oneof(
        fc.json(),
        fc.string({ unit: 'binary' }),
        fc.record({ data: fc.jsonValue(), pagination: fc.jsonValue() }).map((value) => JSON.stringify(value)),
        fc.record({ access_token: fc.jsonValue(), expires_in: fc.jsonValue() }).map((value) => JSON.stringify(value)),
      );
      fc.assert(
        fc.property(anyBody, (body) => {
          try {
            parse(answer(200, body));
          } catch (error) {
            assert.ok(error instanceof TwitchError && error.kind === 'invalid_response', String(error));
          }
        }),
      );
    });
  }

  it('survives nesting as deep as a body can be', () => {
    assert.throws(() => parseStreams(answer(200, '['.repeat(4_000_000))), twitchError('invalid_response'));
    const nested = `{"data":[${'['.repeat(100_000)}${']'.repeat(100_000)}]}`;
    assert.equal(parseStreams(answer(200, nested)).malformed, 1);
  });
});

describe('parseToken', () => {
  it('reads the token and its life', () => {
    const body = { access_token: 'jostpf5q0uzmxmkba9iyug38kjtgh', expires_in: 5011271, token_type: 'bearer' };
    assert.deepEqual(parseToken(answer(200, body)), { accessToken: body.access_token, expiresInSeconds: 5011271 });
  });

  it('takes a life that is missing or not positive for unknown', () => {
    for (const expires_in of [undefined, 0, -1]) {
      assert.equal(parseToken(answer(200, { access_token: 'abc', expires_in })).expiresInSeconds, undefined);
    }
  });

  it('refuses a token that no header could carry', () => {
    for (const access_token of ['', 'a b', 'a\nb', 'ü', 12]) {
      assert.throws(() => parseToken(answer(200, { access_token })), twitchError('invalid_response', /access_token/));
    }
  });
});
