import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import { Secret } from '../../src/config/secret.ts';
import { api } from '../../src/http/api/index.ts';
import { createHttpServer, listen } from '../../src/http/server.ts';
import { newReport } from '../../src/poll/report.ts';
import { keyPrefix } from '../../src/storage/keys.ts';
import { iso, NOON, openStore, stream, TestPoll } from '../storage/support.ts';
import { emptyRedis, runClient } from './harness.ts';

const TOKEN = 'sixteen-letters-token';

test('live, events and polls tell the same from the store and from a worker', async (t) => {
  const { url } = await emptyRedis(6);
  const store = await openStore(url, keyPrefix('stream-poller'));
  const app = createHttpServer(pino({ level: 'silent' }));
  t.after(async () => {
    await app.close();
    store.connection.disconnect();
  });
  const { streams, feed, polls } = store;
  await app.register(api, {
    reads: 'token',
    explain: () => undefined,
    adminToken: new Secret(TOKEN),
    allowedOrigins: [],
    streams,
    announcements: feed,
    polls,
  } as never);
  const worker = await listen(app, '127.0.0.1', 0);

  const poll = await TestPoll.open(store, NOON);
  const [event] = await poll.announce({
    streams: [{ ...stream('s1', '11'), title: 'a \u001b[2J title' }, stream('s2', '12')],
  });
  assert.ok(event);
  await feed.note('claimed', [event]);
  await feed.note('waiting', [{ ...event, id: 's3' }]);
  await polls.keepReport({ ...newReport('p', NOON), targets: 7, announced: 2 });

  const env = { DRAGONFLY_URL: url, ADMIN_TOKEN: TOKEN };
  const both = async (...args: string[]) => {
    const near = await runClient([...args, '--json'], { DRAGONFLY_URL: url });
    const far = await runClient([...args, '--json', '--url', worker], { ADMIN_TOKEN: TOKEN });
    assert.deepEqual([near.code, far.code], [0, 0], near.stderr + far.stderr);
    assert.deepEqual(far.json, near.json);
    const { stdout } = await runClient(args, env);
    return { stdout, json: near.json };
  };
  const live = await both('live', '--limit', '1');
  assert.deepEqual([live.json.live, live.json.streams.length], [2, 1]);
  assert.match(live.stdout, /^login-11 {2}for \d+ d .*game game {2}"a \[2J title"$/m);
  assert.equal((await both('live', '--game', 'none')).json.streams.length, 0);
  assert.deepEqual(
    (await both('live', '--search', '12')).json.streams.map(({ userId }: { userId: string }) => userId),
    ['12'],
  );
  assert.equal((await runClient(['live', '--game', '1', '--search', 'x'], env)).code, 2);
  const events = await both('events');
  assert.deepEqual(
    events.json.announcements.map(({ streamId, state }: Record<string, string>) => [streamId, state]),
    [['s3', 'waiting']],
  );
  assert.match(events.stdout, /waits for the broker/);
  const reports = await both('polls');
  assert.match(reports.json.frequency.words, /^All targets are polled/);
  assert.match(reports.stdout, /: 7 targets in 0 batches, .* 2 announced/);

  const refused = await runClient(['polls', '--url', worker], {});
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /says 401: expected the header/);
  const nobody = await runClient(['live', '--url', 'http://127.0.0.1:1'], {});
  assert.equal(nobody.code, 1);
  assert.match(nobody.stderr, /^no worker answers at http:\/\/127.0.0.1:1 \(--url\)/);
  assert.equal(iso(NOON), event.detectedAt);
});
