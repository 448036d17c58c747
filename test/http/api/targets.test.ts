import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { NOON, stream, TestPoll } from '../../storage/support.ts';
import { apiServers, TOKEN, WITH_TOKEN } from './support.ts';

describe('the HTTP API: targets', () => {
  const serve = apiServers();

  it('adds and removes targets one by one, again and again without harm', async () => {
    const { store, call, lines } = await serve();
    assert.deepEqual((await call('PUT', '/targets/user/141981764')).body, { added: true });
    assert.deepEqual((await call('PUT', '/targets/user/141981764')).body, { added: false });
    assert.deepEqual(await store.targets.list('user', undefined, 10), ['141981764']);
    const { body } = await call('GET', '/targets/user/141981764');
    assert.deepEqual([body.kind, body.id], ['user', '141981764']);
    assert.ok(Math.abs(Date.parse(body.addedAt) - Date.now()) < 60_000);
    assert.deepEqual((await call('DELETE', '/targets/user/141981764')).body, { removed: true });
    assert.deepEqual((await call('DELETE', '/targets/user/141981764')).body, { removed: false });
    assert.equal((await call('GET', '/targets/user/141981764')).status, 404);
    assert.equal(lines.length, 4);
    assert.ok(lines.every((line) => !line.includes(TOKEN) && line.includes('"from":"127.0.0.1"')));
  });

  it('adds many by id, login, address of the channel and name of the game, and tells what became of each', async () => {
    const { store, sandbox, call } = await serve();
    sandbox.world.addUser({ id: '501', login: 'pixelpanda' });
    sandbox.world.addUser({ id: '502', login: 'mossyotter' });
    sandbox.world.addGame({ id: '901', name: 'Slow Chess' });
    await store.targets.add('user', ['503']);
    const wanted = {
      users: {
        ids: ['503', '504', '504'],
        logins: ['PixelPanda', 'nobody_here'],
        urls: ['https://www.twitch.tv/mossyotter?tt=1', 'twitch.tv/pixelpanda'],
      },
      games: { names: ['slow chess'] },
    };
    const { status, body } = await call('POST', '/targets/add', wanted);
    assert.equal(status, 200, JSON.stringify(body));
    const shown = (some: { kind: string; id: string }[]) => some.map(({ kind, id }) => `${kind}:${id}`).sort();
    assert.deepEqual(shown(body.changed), ['game:901', 'user:501', 'user:502', 'user:504']);
    assert.deepEqual([shown(body.unchanged), body.unknown], [['user:503'], ['nobody_here']]);
    assert.deepEqual(await store.targets.list('user', undefined, 10), ['501', '502', '503', '504']);
    const removed = await call('POST', '/targets/remove', wanted);
    assert.deepEqual(shown(removed.body.changed), ['game:901', 'user:501', 'user:502', 'user:503', 'user:504']);
    assert.equal(await store.targets.count('user'), 0);
  });

  it('takes ten thousand in a call, and no more', async () => {
    const { store, call } = await serve();
    const ids = Array.from({ length: 10_000 }, (_, i) => `${100_000_000 + i}`);
    assert.equal((await call('POST', '/targets/add', { users: { ids } })).body.changed.length, 10_000);
    assert.equal(await store.targets.count('user'), 10_000);
    const tooMany = await call('POST', '/targets/add', { users: { ids }, games: { ids: ['1'] } });
    assert.deepEqual([tooMany.status, tooMany.body.detail], [400, 'body: expected at most 10000 targets in one call']);
  });

  it('changes nothing when names can not be looked up, and says why', async () => {
    const { store, sandbox, call } = await serve();
    sandbox.faults.add({ kind: 'status', status: 503, match: { endpoint: 'users' } });
    const { status, type, body } = await call('POST', '/targets/add', {
      users: { ids: ['7'], logins: ['pixelpanda'] },
    });
    assert.deepEqual([status, type], [502, 'application/problem+json']);
    assert.match(body.detail, /^the names could not be looked up; nothing was changed: /);
    assert.equal(await store.targets.count('user'), 0);
  });

  it('lists targets page by page, with what is known of each, and by state', async () => {
    const { store, call } = await serve();
    const poll = await TestPoll.open(store, NOON);
    await poll.announce({ streams: [stream('s1', '12'), stream('s2', '17')] });
    await store.targets.add('user', ['11', '13', '14', '15', '16']);
    await store.targets.add('game', ['21', '22']);
    await store.targets.refused.note('user', [{ id: '13', reason: 'Bad Identifiers.' }], [], NOON);
    for (const nowMs of [NOON, NOON + 3_600_000]) await store.targets.gone.note(['16'], new Set(), nowMs);

    const seen: string[] = [];
    let [pages, after] = [0, ''];
    do {
      const { body } = await call('GET', `/targets?limit=2${after && `&after=${after}`}`);
      assert.deepEqual(body.counts, { user: 7, game: 2 });
      seen.push(...body.targets.map(({ kind, id }: { kind: string; id: string }) => `${kind}:${id}`));
      after = body.next ?? '';
      pages += 1;
    } while (after);
    assert.deepEqual(
      seen,
      ['11', '12', '13', '14', '15', '16', '17'].map((id) => `user:${id}`).concat('game:21', 'game:22'),
    );
    assert.equal(pages, 5);

    for (let limit = 1; limit <= 10; limit++) {
      const all: string[] = [];
      for (let next: string | undefined = ''; next !== undefined; ) {
        const { body } = await call('GET', `/targets?limit=${limit}${next && `&after=${next}`}`);
        all.push(...body.targets.map(({ kind, id }: { kind: string; id: string }) => `${kind}:${id}`));
        next = body.next;
      }
      assert.deepEqual(all, seen, `pages of ${limit}`);
    }

    const of = async (query: string) => (await call('GET', `/targets?${query}`)).body.targets;
    const [live] = await of('state=live&limit=1000');
    assert.deepEqual([live.id, live.live.streamId, live.live.seenAt], ['12', 's1', new Date(NOON).toISOString()]);
    const [refused, ...noMore] = await of('state=refused');
    assert.deepEqual([refused.id, refused.refused.reason, noMore], ['13', 'Bad Identifiers.', []]);
    assert.deepEqual(
      (await of('state=gone')).map(({ id }: { id: string }) => id),
      ['16'],
    );
    assert.deepEqual(await of('kind=game&state=gone'), []);
  });

  it('finds the few that are wanted among many, page by page, and looks at so many for a page at most', async () => {
    const { store, call } = await serve();
    const ids = Array.from({ length: 45_000 }, (_, i) => String(1_000_000 + i));
    await store.targets.add('user', ids);
    await store.targets.add('game', ['7', '8']);
    const wanted = [0, 1, 999, 1_000, 1_001, 19_999, 20_000, 44_999].map((i) => ids[i] as string);
    await store.targets.labels.set('user', wanted, ['vip']);
    await store.targets.labels.set('game', ['8'], ['vip', 'and another']);
    const streams = wanted.slice(3).map((id) => stream(`s${id}`, id, NOON, 'g'));
    await (await TestPoll.open(store, NOON)).announce({ streams });
    const pages = async (query: string) => {
      const found: string[][] = [];
      for (let next: string | undefined = ''; next !== undefined; ) {
        const { body } = await call('GET', `/targets?${query}${next && `&after=${next}`}`);
        found.push(body.targets.map(({ id }: { id: string }) => id));
        next = body.next;
      }
      return found;
    };
    const labelled = await pages('label=vip&limit=4');
    assert.deepEqual(labelled.flat(), [...wanted, '8']);
    assert.deepEqual(
      labelled.map(({ length }) => length),
      [4, 3, 0, 2],
    );
    assert.deepEqual((await pages('state=live&limit=100')).flat(), wanted.slice(3));
    assert.deepEqual((await pages('state=live&label=vip&limit=1')).flat(), wanted.slice(3));
    assert.deepEqual(
      (await pages('label=nobody')).map(({ length }) => length),
      [0, 0, 0],
    );
    assert.deepEqual(await pages('kind=game&state=live'), [[]]);
  });

  it('gives targets labels, which stay with them until others take their place', async () => {
    const { store, call } = await serve();
    await call('PUT', '/targets/user/1', { labels: ['vip', 'Zoë’s channel', 'vip'] });
    await call('POST', '/targets/add', { users: { ids: ['1', '2'] }, games: { ids: ['9'] }, labels: ['customer 7'] });
    await call('PUT', '/targets/user/2');
    const of = async (path: string) => (await call('GET', path)).body;
    assert.deepEqual((await of('/targets/user/1')).labels, ['customer 7']);
    assert.deepEqual((await of('/targets?label=customer%207')).targets.length, 3);
    assert.deepEqual((await of('/targets?label=vip')).targets, []);
    assert.deepEqual(
      await store.targets.labels.ofStreams([
        { userId: '2', gameId: '9' },
        { userId: '3', gameId: '' },
      ]),
      [['customer 7'], []],
    );
    await call('PUT', '/targets/user/2', { labels: [] });
    assert.equal((await of('/targets/user/2')).labels, undefined);
    await call('DELETE', '/targets/user/1');
    await call('PUT', '/targets/user/1');
    assert.equal((await of('/targets/user/1')).labels, undefined);
    // Whatever stands there: no event waits for it.
    await store.connection.hset(store.keys.labels('user'), '3', 'nonsense', '4', '{"a":1}');
    assert.deepEqual([...(await store.targets.labels.of('user', ['3', '4'])).values()], [[], []]);
    for (const wrong of [
      [''],
      [' x'],
      ['a\nb'],
      ['\ud800'],
      Array(11)
        .fill('x')
        .map((x, i) => x + i),
    ]) {
      assert.equal((await call('PUT', '/targets/user/1', { labels: wrong })).status, 400, JSON.stringify(wrong));
    }
  });

  it('exports all targets as a file that it takes back, to add or to replace', async () => {
    const { app, store, call } = await serve();
    const ids = Array.from({ length: 12_000 }, (_, i) => `${200_000 + i}`);
    await store.targets.add('user', ids);
    await store.targets.add('game', ['33']);
    await store.targets.labels.set('user', ['200007'], ['vip']);
    const file = (await app.inject('/api/v1/targets/export')).body;
    assert.equal(file.trimEnd().split('\n').length, 12_001);
    const send = async (method: 'POST' | 'PUT', url: string, payload: string) => {
      const headers = { ...WITH_TOKEN, 'content-type': 'application/x-ndjson' };
      const answer = await app.inject({ method, url: `/api/v1${url}`, headers, payload });
      return { status: answer.statusCode, body: answer.json() };
    };
    await call('POST', '/targets/remove', { users: { ids: ids.slice(0, 10) } });
    await store.targets.add('user', ['77']);
    assert.deepEqual((await send('POST', '/targets/import', file)).body, {
      lines: 12_001,
      added: 10,
      bad: 0,
      firstBad: [],
    });
    assert.deepEqual(await store.targets.labels.of('user', ['200007', '200008']), new Map([['200007', ['vip']]]));
    assert.equal(await store.targets.count('user'), 12_001);
    assert.deepEqual((await send('PUT', '/targets', file)).body, { added: 0, removed: 1 });
    assert.equal((await app.inject('/api/v1/targets/export')).body, file);

    const spoilt = '{"kind":"user","id":"1"}\nnonsense\n\n{"kind":"user","id":"pixelpanda"}\n{"kind":"user","id":"2"}';
    const replaced = await send('PUT', '/targets', spoilt);
    assert.match(replaced.body.detail, /^nothing was changed; line 2: expected a JSON object/);
    assert.equal((await send('PUT', '/targets', '')).status, 400);
    assert.equal(await store.targets.count('user'), 12_000);
    const { body } = await send('POST', '/targets/import', spoilt);
    assert.deepEqual([body.lines, body.added, body.bad], [5, 2, 2]);
    assert.deepEqual(
      body.firstBad.map(({ line }: { line: number }) => line),
      [2, 4],
    );
    assert.match(body.firstBad[1].expected, /^id: expected an id of Twitch/);
  });
});
