import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Secret } from '../../src/config/secret.ts';
import { sandboxAndClient, serverAndClient, twitchError } from './support.ts';

describe('getStreams', () => {
  it('finds every one of 45 live streams among 100 ids', async () => {
    const { sandbox, client } = await sandboxAndClient();
    sandbox.world.populate({ users: 100 });
    const ids = sandbox.world.userIds();
    const live = ids.slice(0, 45).map((userId) => sandbox.world.goLive({ userId, title: `of ${userId}` }));
    const page = await client.getStreams({ kind: 'user', ids });
    assert.deepEqual(new Set(page.streams.map(({ id }) => id)), new Set(live.map(({ id }) => id)));
    assert.deepEqual(
      page.streams.find(({ id }) => id === live[7]?.id),
      {
        id: live[7]?.id,
        userId: ids[7],
        userLogin: 'user_7',
        gameId: '',
        title: `of ${ids[7]}`,
        startedAt: live[7]?.startedAt,
      },
    );
    assert.equal(page.malformed, 0);
    assert.equal(page.renewedToken, false);
    assert.ok(Math.abs(page.receivedAtMs - Date.now()) < 5_000);
  });

  it("follows a game's pages to the end", async () => {
    const { sandbox, client } = await sandboxAndClient();
    const { id: gameId } = sandbox.world.addGame({ id: '7', name: 'Seven' });
    for (const userId of sandbox.world.addChannels(250)) sandbox.world.goLive({ userId, gameId });
    const seen = new Set<string>();
    const sizes: number[] = [];
    let after: string | undefined;
    do {
      const page = await client.getStreams({ kind: 'game', ids: [gameId], ...(after && { after }) });
      for (const { id } of page.streams) seen.add(id);
      sizes.push(page.streams.length);
      after = page.cursor;
    } while (after !== undefined && sizes.length < 10);
    assert.equal(seen.size, 250);
    assert.deepEqual(sizes.filter(Boolean), [100, 100, 50]);
  });

  it('reports the rate limit', async () => {
    const { client } = await sandboxAndClient({}, { requestsPerMinute: 600 });
    assert.equal(client.lastRate(), undefined);
    const page = await client.getStreams({ kind: 'user', ids: ['1'] });
    assert.equal(page.rate?.limit, 600);
    assert.ok((page.rate?.remaining ?? 0) >= 598);
    assert.deepEqual(client.lastRate(), page.rate);
  });

  it('keeps the view of the later request when an earlier one is answered last', async () => {
    const { client } = await serverAndClient((request, response) => {
      const early = request.url?.includes('early');
      response.writeHead(200, {
        'ratelimit-limit': '800',
        'ratelimit-remaining': early ? '799' : '798',
        'ratelimit-reset': String(Math.ceil(Date.now() / 1000)),
      });
      setTimeout(() => response.end('{"data":[]}'), early ? 60 : 0);
    });
    await client.getStreams({ kind: 'user', ids: ['first'] });
    await Promise.all([
      client.getStreams({ kind: 'user', ids: ['early'] }),
      client.getStreams({ kind: 'user', ids: ['late'] }),
    ]);
    assert.equal(client.lastRate()?.remaining, 798);
  });

  it('refuses more than 100 ids, and none, which would list all of Twitch', async () => {
    const { sandbox, client } = await sandboxAndClient();
    const ids = Array.from({ length: 101 }, (_, n) => String(n));
    await assert.rejects(
      client.getStreams({ kind: 'user', ids }),
      new RangeError('getStreams takes at most 100 user ids, got 101'),
    );
    await assert.rejects(client.getStreams({ kind: 'game', ids: [] }), RangeError);
    assert.equal(sandbox.stats().helixRequests, 0);
  });

  it('sends ids and cursors as they are, whatever is in them', async () => {
    const seen: URLSearchParams[] = [];
    const { client } = await serverAndClient((request, response) => {
      seen.push(new URL(request.url ?? '', 'http://test').searchParams);
      response.end('{"data":[]}');
    });
    await client.getStreams({ kind: 'game', ids: ['a&b=c', 'ü/?#', '\ud800'], after: 'eyJ+/=&' });
    assert.deepEqual(seen[0]?.getAll('game_id'), ['a&b=c', 'ü/?#', '\ufffd']);
    assert.equal(seen[0]?.get('after'), 'eyJ+/=&');
    assert.equal(seen[0]?.get('first'), '100');
    assert.equal(seen[0]?.has('user_id'), false);
  });

  it('skips a malformed entry and says so', async () => {
    const { sandbox, client, lines } = await sandboxAndClient();
    for (const userId of ['1', '2', '3']) sandbox.world.goLive({ userId });
    sandbox.faults.add({ kind: 'malformedEntry' });
    const page = await client.getStreams({ kind: 'user', ids: ['1', '2', '3'] });
    assert.equal(page.streams.length, 3);
    assert.equal(page.malformed, 1);
    assert.match(lines.join(''), /"malformed":1,"reason":"id: /);
  });
});

describe('the token', () => {
  it('is replaced once when it was revoked', async () => {
    const { sandbox, client } = await sandboxAndClient();
    await client.getStreams({ kind: 'user', ids: ['1'] });
    sandbox.faults.revokeTokens();
    const page = await client.getStreams({ kind: 'user', ids: ['1'] });
    assert.equal(page.renewedToken, true);
    assert.equal(sandbox.stats().tokensIssued, 2);
    assert.deepEqual(sandbox.stats().requests.streams, { 200: 2, 401: 1 });
  });

  it('is replaced once for 20 requests at a time', async () => {
    const { sandbox, client } = await sandboxAndClient();
    await client.getStreams({ kind: 'user', ids: ['1'] });
    sandbox.faults.revokeTokens();
    await Promise.all(Array.from({ length: 20 }, (_, n) => client.getStreams({ kind: 'user', ids: [String(n)] })));
    assert.equal(sandbox.stats().tokensIssued, 2);
  });

  it('is given up when Helix refuses a new one as well, without asking for more', async () => {
    const { sandbox, client } = await sandboxAndClient();
    sandbox.faults.add({ kind: 'status', status: 401 });
    for (let n = 0; n < 5; n++) {
      await assert.rejects(
        client.getStreams({ kind: 'user', ids: ['1'] }),
        twitchError('unauthorized', /Invalid OAuth token/),
      );
    }
    assert.equal(sandbox.stats().tokensIssued, 2);
    assert.equal(sandbox.stats().helixRequests, 2);
    assert.equal(client.tokenStatus().state, 'failed');
  });

  it('is validated before each request with a TTL of 0', async () => {
    const { sandbox, client } = await sandboxAndClient({ validateTtlSeconds: 0 });
    for (let n = 0; n < 3; n++) await client.getStreams({ kind: 'user', ids: ['1'] });
    assert.deepEqual(sandbox.stats().requests.validate, { 200: 3 });

    sandbox.faults.revokeTokens();
    assert.equal((await client.getStreams({ kind: 'user', ids: ['1'] })).renewedToken, false);
    assert.deepEqual(sandbox.stats().requests.validate, { 200: 3, 401: 1 });
    assert.deepEqual(sandbox.stats().requests.streams, { 200: 4 });
  });

  it('is validated after the TTL, and requests go on while /validate fails', async () => {
    let sleptMs = 0;
    const { sandbox, client } = await sandboxAndClient({ validateTtlSeconds: 30, now: () => Date.now() + sleptMs });
    await client.getStreams({ kind: 'user', ids: ['1'] });
    assert.equal(sandbox.stats().requests.validate, undefined);
    sleptMs = 30_000;
    sandbox.faults.add({ kind: 'status', status: 503, html: true, match: { endpoint: 'validate' } });
    await client.getStreams({ kind: 'user', ids: ['1'] });
    assert.deepEqual(sandbox.stats().requests, { token: { 200: 1 }, streams: { 200: 2 }, validate: { 503: 1 } });
  });

  it('is not to be had with a wrong secret or client id: the error names the setting', async () => {
    const wrongSecret = await sandboxAndClient({ clientSecret: new Secret('not-the-secret') });
    const query = { kind: 'user', ids: ['1'] } as const;
    await assert.rejects(wrongSecret.client.getStreams(query), twitchError('credentials', /TWITCH_CLIENT_SECRET/));
    await Promise.allSettled(Array.from({ length: 50 }, () => wrongSecret.client.getStreams(query)));
    assert.deepEqual(wrongSecret.sandbox.stats().requests, { token: { 403: 1 } });
    assert.equal(wrongSecret.client.tokenStatus().state, 'failed');

    const wrongId = await sandboxAndClient({ clientId: 'someoneelse' });
    await assert.rejects(wrongId.client.getStreams(query), twitchError('credentials', /TWITCH_CLIENT_ID/));
  });
});

describe('getUsers and getGames', () => {
  it('find the existing among more than 100 ids and names', async () => {
    const { sandbox, client } = await sandboxAndClient();
    sandbox.world.populate({ users: 150, games: 120 });
    const ids = [...sandbox.world.userIds(130), '999'];
    const users = await client.getUsers({ ids, logins: ['user_140', 'user_141', 'nobody_here'] });
    assert.equal(users.length, 132);
    assert.deepEqual(
      users.find(({ login }) => login === 'user_140'),
      { id: sandbox.world.userIds(1, 140)[0], login: 'user_140' },
    );
    assert.deepEqual(sandbox.stats().requests.users, { 200: 2 });

    const games = await client.getGames({ ids: sandbox.world.gameIds(110), names: ['Game 115', 'No Such Game'] });
    assert.equal(games.length, 111);
    assert.deepEqual(sandbox.stats().requests.games, { 200: 2 });
  });

  it('ask nothing for nothing', async () => {
    const { sandbox, client } = await sandboxAndClient();
    assert.deepEqual(await client.getUsers({}), []);
    assert.deepEqual(await client.getGames({ ids: [] }), []);
    assert.deepEqual(sandbox.stats().requests, {});
  });
});
