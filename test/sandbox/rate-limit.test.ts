import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TokenBucket } from '../../sandbox/twitch/bucket.ts';
import { Recorder } from '../../sandbox/twitch/stats.ts';
import { type Reply, sandboxWithClient } from './harness.ts';

function clock() {
  let nowMs = 1_000_000_000;
  return { now: () => nowMs, pass: (ms: number) => (nowMs += ms) };
}

test('the bucket refills continuously and never above its size', () => {
  const { now, pass } = clock();
  const bucket = new TokenBucket(600, now);
  for (let i = 0; i < 600; i++) assert.ok(bucket.take());
  assert.ok(!bucket.take());
  assert.deepEqual(bucket.headers(), {
    'Ratelimit-Limit': '600',
    'Ratelimit-Remaining': '0',
    'Ratelimit-Reset': String(now() / 1000 + 60),
  });
  pass(99);
  assert.ok(!bucket.take());
  pass(1);
  assert.ok(bucket.take());
  pass(30_000);
  assert.equal(bucket.remaining, 300);
  pass(600_000);
  assert.equal(bucket.remaining, 600);
});

test('another client takes its share of the refill', () => {
  const { now, pass } = clock();
  const bucket = new TokenBucket(600, now);
  bucket.drain(600);
  bucket.setOtherClient(450);
  pass(60_000);
  assert.equal(bucket.remaining, 150);
  bucket.setOtherClient(900);
  pass(60_000);
  assert.equal(bucket.remaining, 0);
});

test('every Helix answer carries the limit, and an empty bucket is 429', async () => {
  const { sandbox, helix } = await sandboxWithClient({ requestsPerMinute: 30 });
  const number = (reply: Reply, name: string) => Number(reply.headers[`ratelimit-${name}`]);
  for (const [i, path] of ['streams', 'users?id=1', 'games?id=1', 'streams?first=0'].entries()) {
    const reply = await helix(path);
    assert.deepEqual([number(reply, 'limit'), number(reply, 'remaining')], [30, 29 - i]);
    assert.ok(Math.abs(number(reply, 'reset') - (Date.now() / 1000 + 2 * (i + 1))) < 2);
  }
  sandbox.faults.drain(1000);
  const refused = await helix('streams');
  assert.equal(refused.status, 429);
  assert.deepEqual(refused.body, { error: 'Too Many Requests', status: 429, message: 'Request limit exceeded' });
  assert.equal(number(refused, 'remaining'), 0);
  assert.ok(number(refused, 'reset') > Date.now() / 1000 + 55);

  const stats = sandbox.stats();
  assert.deepEqual(stats.requests.streams, { 200: 1, 400: 1, 429: 1 });
  assert.deepEqual([stats.helixRequests, stats.tooManyRequests], [5, 1]);
  assert.equal(stats.maxHelixRequestsPer60Seconds, 5);
  for (const timeline of [stats.helixPerSecond, stats.helixPerMinute]) {
    assert.equal(
      timeline.reduce((sum, [, count]) => sum + count, 0),
      5,
    );
  }
});

test('the most requests in any 60 seconds are counted across minute borders', () => {
  const { now, pass } = clock();
  const recorder = new Recorder(now);
  const arrive = (times: number) => {
    for (let i = 0; i < times; i++) recorder.arrived();
  };
  arrive(5);
  pass(50_000);
  arrive(7_000);
  pass(20_000);
  arrive(6_000);
  pass(60_000);
  arrive(3);
  const { helixRequests, maxHelixRequestsPer60Seconds, helixPerSecond, helixPerMinute } = recorder.stats(0);
  assert.equal(helixRequests, 13_008);
  assert.equal(maxHelixRequestsPer60Seconds, 13_000);
  assert.deepEqual(helixPerSecond, [
    [1_000_000, 5],
    [1_000_050, 7_000],
    [1_000_070, 6_000],
    [1_000_130, 3],
  ]);
  assert.deepEqual(helixPerMinute, [
    [999_960, 5],
    [1_000_020, 13_000],
    [1_000_080, 3],
  ]);
  pass(6 * 3_600_000);
  arrive(1);
  assert.equal(recorder.stats(0).helixPerSecond.length, 1);
});
