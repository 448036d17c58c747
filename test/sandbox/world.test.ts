import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { World } from '../../sandbox/twitch/index.ts';
import { Random } from '../../sandbox/twitch/random.ts';
import { World as NewWorld } from '../../sandbox/twitch/world.ts';
import { idsOf, repeated, sandboxWithClient } from './harness.ts';

function journal(world: World): string[] {
  const lines: string[] = [];
  world.on('visible', ({ id, userId, gameId, title }) => lines.push(`visible ${id} ${userId} ${gameId} ${title}`));
  world.on('gone', ({ id }) => lines.push(`gone ${id}`));
  world.on('changed', ({ id, title, gameId }) => lines.push(`changed ${id} ${gameId} ${title}`));
  return lines;
}

const newWorld = (seed: number) => new NewWorld(new Random(seed));

test('a stream is visible once, replaced by the user’s next one, and gone when it ends', () => {
  const world = newWorld(1);
  const lines = journal(world);
  const first = world.goLive({ userId: '5', gameId: '743', title: 'one' });
  const second = world.goLive({
    userId: '5',
    title: 'two',
    streamId: 'not-a-number',
    startedAt: '2026-01-02T03:04:05.6Z',
  });
  assert.equal(second.startedAt, '2026-01-02T03:04:05Z');
  world.change('5', { title: 'three' });
  assert.equal(world.end('5')?.title, 'three');
  assert.equal(world.end('5'), undefined);
  assert.deepEqual(lines, [
    `visible ${first.id} 5 743 one`,
    `gone ${first.id}`,
    'visible not-a-number 5  two',
    'changed not-a-number  three',
    'gone not-a-number',
  ]);
  assert.equal(world.liveCount, 0);
});

test('a flap hides a stream and brings the same one back, unless it ends or a new one starts', async () => {
  const world = newWorld(1);
  for (const userId of ['1', '2', '3']) world.goLive({ userId, streamId: `s${userId}` });
  const lines = journal(world);
  for (const userId of ['1', '2', '3']) world.flap(userId, 50);
  assert.equal(world.liveCount, 0);
  world.change('1', { title: 'meanwhile' });
  world.end('2');
  world.goLive({ userId: '3', streamId: 'new', title: '' });
  await delay(100);
  assert.deepEqual(lines.slice(0, 3), ['gone s1', 'gone s2', 'gone s3']);
  assert.deepEqual(lines.slice(3), ['visible new 3  ', 'visible s1 1  meanwhile']);
});

test('a million users cost next to nothing, and a request for 100 of them is quick', async () => {
  const { world, helix } = await sandboxWithClient({ requestsPerMinute: 1e6 });
  const before = process.memoryUsage();
  const populatedAtMs = performance.now();
  world.populate({ users: 1_000_000, games: 10_000 });
  assert.ok(performance.now() - populatedAtMs < 100);
  assert.equal(world.users.size, 1_000_000);
  for (const userId of world.userIds(20_000, 500_000)) world.goLive({ userId, gameId: '743' });
  const grownBytes = process.memoryUsage().heapUsed - before.heapUsed;
  assert.ok(grownBytes < 60e6, `${Math.round(grownBytes / 1e6)} MB`);

  const batch = `streams?first=100&${repeated('user_id', world.userIds(100, 519_950))}`;
  assert.equal(idsOf(await helix(batch)).length, 50);
  const startedAtMs = performance.now();
  for (let i = 0; i < 100; i++) await helix(batch);
  const eachMs = (performance.now() - startedAtMs) / 100;
  assert.ok(eachMs < 10, `${eachMs} ms a request`);
  assert.deepEqual(idsOf(await helix('users?login=user_999999&login=user_1000000')), ['100999999']);
  assert.deepEqual(idsOf(await helix('games?name=game%209999&id=2000000000')), ['2000000000', '2000009999']);
});

test('invented channels have logins of their own', () => {
  const world = newWorld(1);
  const ids = world.addChannels(200);
  const names = new Set(ids.map((id) => world.users.get(id)?.name.toLowerCase()));
  assert.equal(names.size, 200);
});

test('a simulation starts at once, then goes on, and follows from the seed', async () => {
  const run = async (seed: number) => {
    const world = newWorld(seed);
    world.populate({ users: 50 });
    const lines = journal(world);
    const options = { goLivePerSecond: 100, changePerSecond: 20, flapPerSecond: 20, meanMinutesOnAir: 0.04 };
    const simulation = world.simulate({ users: world.userIds(), liveAtStart: 2, ...options });
    const atOnce = lines.length;
    await delay(450);
    simulation.stop();
    const stopped = lines.length;
    await delay(150);
    assert.equal(lines.length, stopped);
    assert.equal(atOnce, 3);
    assert.ok(stopped > 20);
    world.close();
    return lines.slice(0, 20);
  };
  const [one, same, other] = await Promise.all([run(5), run(5), run(6)]);
  assert.deepEqual(one, same);
  assert.notDeepEqual(one, other);
});

test('the same seed and requests give the same answers', async () => {
  const run = async (seed: number) => {
    const { world, helix, token } = await sandboxWithClient({ seed });
    world.populate({ users: 200 });
    world.viewerDrift = 0.5;
    for (const userId of world.userIds(60)) world.goLive({ userId, startedAt: '2026-01-01T00:00:00Z' });
    const texts = [token];
    for (let i = 0; i < 3; i++) texts.push((await helix('streams?first=50')).text);
    return texts;
  };
  assert.deepEqual(await run(7), await run(7));
  assert.notDeepEqual(await run(7), await run(8));
});
