import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { request } from 'undici';
import { idsOf, sandboxWithClient } from './harness.ts';

const { sandbox, world, send, post, helix } = await sandboxWithClient();

test('streams are started, changed, flapped and ended over HTTP', async () => {
  const start = await post('/sandbox/live', { userId: '1', gameId: '743', title: 'hi', streamId: '77' });
  assert.equal(start.status, 200);
  assert.deepEqual(start.body[0], world.streamOf('1'));
  assert.equal((await post('/sandbox/live', [{ userId: '2' }, { userId: '3' }])).body.length, 2);
  await post('/sandbox/change', { userId: '1', title: 'ho', login: 'Renamed' });
  assert.deepEqual((await helix('streams?user_id=1')).body.data[0].title, 'ho');
  assert.deepEqual((await helix('streams?user_login=renamed')).body.data[0].user_name, 'Renamed');
  const { body } = await send('/sandbox/world');
  assert.equal(body.liveCount, 3);
  assert.equal(body.live.length, 3);
  await post('/sandbox/flap', { userId: '1', ms: 100 });
  assert.deepEqual(idsOf(await helix('streams?user_id=1')), []);
  await delay(150);
  assert.deepEqual(idsOf(await helix('streams?user_id=1')), ['77']);
  assert.deepEqual((await post('/sandbox/end', [{ userId: '1' }, { userId: '404' }])).body[1], null);
  assert.equal(world.liveCount, 2);
});

test('the world is populated and simulated over HTTP', async () => {
  assert.deepEqual((await post('/sandbox/users', { id: '9', login: 'Nine' })).body, [{ id: '9', name: 'Nine' }]);
  assert.deepEqual((await post('/sandbox/games', { id: '9', name: 'Nine' })).body, [{ id: '9', name: 'Nine' }]);
  assert.ok((await post('/sandbox/populate', { users: 5000 })).body.users >= 5000);
  const before = world.liveCount;
  await post('/sandbox/simulate', { users: world.userIds(10), liveAtStart: 4, goLivePerSecond: 1 });
  assert.equal(world.liveCount, before + 5);
  assert.equal((await send('/sandbox/simulate', { method: 'DELETE' })).status, 200);
  await post('/sandbox/settings', { viewerDrift: 0.5 });
  assert.equal(world.viewerDrift, 0.5);
});

test('faults are ordered, listed and removed over HTTP', async () => {
  const ordered = await post('/sandbox/faults', {
    kind: 'status',
    status: 503,
    times: 2,
    match: { endpoint: 'streams' },
  });
  assert.equal(ordered.status, 200);
  assert.equal((await helix('streams')).status, 503);
  const [listed] = (await send('/sandbox/faults')).body;
  assert.deepEqual([listed.id, listed.kind, listed.hits, listed.active], [ordered.body.id, 'status', 1, true]);
  const removed = await send(`/sandbox/faults/${ordered.body.id}`, { method: 'DELETE' });
  assert.equal(removed.body.active, false);
  assert.equal((await helix('streams')).status, 200);
  assert.equal((await send('/sandbox/faults/999', { method: 'DELETE' })).status, 404);
  await post('/sandbox/faults', { kind: 'hang' });
  await send('/sandbox/faults', { method: 'DELETE' });
  assert.deepEqual((await send('/sandbox/faults')).body, []);
});

test('an order that makes no sense is refused and says why', async () => {
  const { status, body } = await post('/sandbox/faults', { kind: 'slowBody', overMs: 'long' });
  assert.equal(status, 400);
  assert.match(body.message, /overMs/);
  assert.match((await post('/sandbox/faults', { kind: 'earthquake' })).body.message, /kind/);
  assert.match((await post('/sandbox/live', { user: '1' })).body.message, /userId/);
});

test('the bucket is drained and shared over HTTP, and stats are served', async () => {
  await post('/sandbox/drain', { points: 10_000 });
  await post('/sandbox/other-client', { requestsPerMinute: 10_000 });
  assert.equal((await helix('streams')).status, 429);
  const { body } = await send('/sandbox/stats');
  assert.equal(body.tooManyRequests, 1);
  assert.deepEqual(body.requests, sandbox.stats().requests);
});

test('the command prints its URLs, serves, and stops on SIGTERM', async () => {
  const main = new URL('../../sandbox/twitch/main.ts', import.meta.url).pathname;
  const child = spawn(process.execPath, [main, '--port', '0', '--users', '10', '--seed', '7', '--simulate']);
  const lines: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line);
    if (line.startsWith('TWITCH_CLIENT_ID=')) break;
  }
  const url = lines[0]?.replace('Twitch sandbox: ', '');
  const response = await request(`${url}/sandbox/world`);
  const { users, liveCount } = (await response.body.json()) as { users: number; liveCount: number };
  assert.deepEqual([users, liveCount], [10, 1]);
  assert.deepEqual(lines.slice(1), [
    `TWITCH_API_URL=${url}/helix`,
    `TWITCH_AUTH_URL=${url}/oauth2`,
    'TWITCH_CLIENT_ID=sandboxclient',
  ]);
  child.kill('SIGTERM');
  const [code] = await once(child, 'exit');
  assert.equal(code, 0);
});

test('the command explains itself and refuses nonsense', async () => {
  const main = new URL('../../sandbox/twitch/main.ts', import.meta.url).pathname;
  const run = async (...args: string[]) => {
    const child = spawn(process.execPath, [main, ...args]);
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
    const [code] = await once(child, 'close');
    return { code, output };
  };
  const [help, wrong, unknown] = await Promise.all([run('--help'), run('--users', 'many'), run('--what')]);
  assert.deepEqual([help.code, wrong.code, unknown.code], [0, 1, 1]);
  assert.match(help.output, /--simulate/);
  assert.match(wrong.output, /--users: expected a number, got "many"/);
});
