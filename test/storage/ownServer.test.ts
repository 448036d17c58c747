import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { ApplicationFailure } from '@temporalio/common';
import { type LocalRedis, startRedis } from '../../sandbox/services/redis.ts';
import { toActivityFailure } from '../../src/activities/failures.ts';
import type { Stream } from '../../src/poll/model.ts';
import { type StoreConnection, waitUntilReady } from '../../src/storage/dragonfly.ts';
import { storeOn } from '../../src/storage/store.ts';
import { eventually, randomPrefix } from '../support/services.ts';
import { contents } from './operations.ts';
import { connect, ids, NOON, type Store, stream, TestPoll } from './support.ts';

const COMMAND_TIMEOUT_MS = 1_000;
const PER_CALL = 500;
const CALLS = 40;

/** What a server itself can do to us, on one that is stopped, killed and filled: the Dragonfly, Valkey or Redis on PATH. */
describe('a store', { timeout: 120_000 }, () => {
  const dir = mkdtempSync(join(tmpdir(), 'stream-poller-store-'));
  let server: LocalRedis;
  let connection: StoreConnection;
  const fresh = (on = connection): [Store, string] => {
    const prefix = randomPrefix();
    return [storeOn(on, prefix), prefix];
  };

  before(async () => {
    server = await startRedis({ dir: join(dir, 'own'), persist: true });
    connection = await connect(server.url, { commandTimeoutMs: COMMAND_TIMEOUT_MS });
  });
  after(async () => {
    connection?.disconnect();
    await server?.kill();
    rmSync(dir, { recursive: true, force: true });
  });

  it('that is killed in the middle of calls keeps each call whole or not at all, and all it had answered', async (t) => {
    // Calls that wait behind many others must meet the kill, not their time limit.
    const connection = await connect(server.url, { commandTimeoutMs: 20_000 });
    t.after(() => connection.disconnect());
    const [store] = fresh(connection);
    const poll = await TestPoll.open(store, NOON, 0, { claimBytes: Number.MAX_SAFE_INTEGER });
    const shown = Array.from({ length: CALLS }, (_, call) =>
      Array.from({ length: PER_CALL }, (_, n) => stream(`s${call}-${n}`, `u${call}-${n}`, NOON, `g${n % 5}`)),
    );
    const owners = shown.map(() => poll.nextOwner());
    for (const streams of shown) await watch(store, streams);
    const announce = (call: number) => poll.diff({ streams: shown[call] ?? [], watch: false }, owners[call]);

    // Taught the script first: a long text on the wire would be what the kill meets.
    await announce(0);
    const answered = new Set<number>();
    const { promise: underWay, resolve: someAnswered } = Promise.withResolvers<void>();
    const calls = shown.map((_, call) =>
      announce(call).then(() => {
        answered.add(call);
        if (answered.size >= CALLS / 4) someAnswered();
      }),
    );
    const ended = Promise.allSettled(calls);
    const refused = Promise.all(calls).then(() => assert.fail('all were answered before the server could be killed'));
    await Promise.race([underWay, refused]);
    await server.kill();
    await eventually(() => assert.notEqual(connection.status, 'ready'), { intervalMs: 1 });
    const answeredBefore = new Set(answered);
    await server.start();
    await ended;
    assert.ok(await waitUntilReady(connection, 10_000));

    const halves: number[] = [];
    const gone: number[] = [];
    for (const [call, streams] of shown.entries()) {
      const [live, marks, hot] = await Promise.all([
        connection.hmget(store.keys.live, ...streams.map(({ userId }) => userId)),
        connection.mget(streams.map(({ id }) => store.keys.mark(id))),
        connection.zmscore(store.keys.hot, ...streams.map(({ userId }) => userId)),
      ]);
      const found = [...live, ...marks, ...hot].filter((value) => value !== null).length;
      if (found !== 0 && found !== 3 * PER_CALL) halves.push(call);
      if (found === 0 && answeredBefore.has(call)) gone.push(call);
    }
    t.diagnostic(`${answeredBefore.size} of ${CALLS} calls had been answered when ${server.kind} was killed`);
    assert.deepEqual(halves, []);
    assert.ok(answeredBefore.size < CALLS, 'calls were in flight');
    // Dragonfly keeps nothing since its last snapshot; what is lost there is found again by the next polls.
    if (server.kind !== 'dragonfly') assert.deepEqual(gone, []);

    if (server.kind === 'dragonfly') await TestPoll.open(store, NOON);
    for (const [call, streams] of shown.entries()) {
      const result = await announce(call);
      assert.ok(!result.lost);
      assert.equal(result.events.length, streams.length, 'the same owner gets all of its claims once more');
    }
    assert.equal(await store.streams.countLive(), CALLS * PER_CALL);
  });

  it('that hangs costs each call its time limit, and carries out late what it had been sent without harm', async () => {
    const [store, prefix] = fresh();
    const streams = [stream('s1', 'u1'), stream('s2', 'u2')];
    await watch(store, streams);
    const poll = await TestPoll.open(store, NOON);
    const owner = poll.nextOwner();
    server.pause();
    const started = performance.now();
    await assert.rejects(poll.diff({ streams, watch: false }, owner), /timed out/);
    assert.ok(performance.now() - started < 2 * COMMAND_TIMEOUT_MS);
    server.resume();
    const { events } = (await eventually(() => poll.diff({ streams, watch: false }, owner))) as { events: unknown[] };
    assert.equal(events.length, 2);
    await store.streams.markAnnounced(['s1', 's2']);
    const marks = await connection.mget(store.keys.mark('s1'), store.keys.mark('s2'));
    assert.deepEqual(marks, ['announced', 'announced']);
    assert.ok(Object.keys(await contents(connection, prefix)).length > 0);
  });

  it('without memory refuses calls and says so; nothing is lost, and it goes on when there is room again', async (t) => {
    // Given back as it was: a 0 need not mean the same to every server.
    const [, most = '0'] = (await connection.config('GET', 'maxmemory')) as string[];
    const makeRoom = () => connection.config('SET', 'maxmemory', most);
    t.after(makeRoom);
    const [store, prefix] = fresh();
    const poll = await TestPoll.open(store, NOON);
    await poll.announce({ streams: [stream('s0', 'u0')] });
    await watch(store, [stream('s1', 'u1')]);
    const owner = poll.nextOwner();
    const before = await contents(connection, prefix);
    await connection.config('SET', 'maxmemory-policy', 'noeviction').catch(() => undefined);
    await connection.config('SET', 'maxmemory', '1mb');
    const refused = await poll
      .diff({ streams: [stream('s1', 'u1')], watch: false }, owner)
      .catch((error: Error) => error);
    assert.ok(refused instanceof Error);
    assert.match(refused.message, /OOM|out of memory/i);
    mayBeTriedAgain(refused);
    const toPublish = await store.streams.renewClaims(owner, ['s1']).catch((error: Error) => error);
    assert.ok(toPublish instanceof Error);
    mayBeTriedAgain(toPublish);
    // Dragonfly notices at a write, not before the script: what it wrote until then stays.
    if (server.kind !== 'dragonfly') assert.deepEqual(await contents(connection, prefix), before);
    assert.equal(await connection.ping(), 'PONG');

    await makeRoom();
    const result = await poll.diff({ streams: [stream('s1', 'u1')], watch: false }, owner);
    assert.deepEqual(result.lost || ids(result.events), ['s1']);
  });

  it('that has become a replica refuses writes and says so, and is asked again after each refusal', async (t) => {
    const [store] = fresh();
    await watch(store, [stream('s1', 'u1')]);
    const poll = await TestPoll.open(store, NOON);
    const owner = poll.nextOwner();
    const primary = await startRedis({ dir: join(dir, 'primary') });
    t.after(() => primary.kill());
    try {
      await connection.call('REPLICAOF', '127.0.0.1', String(new URL(primary.url).port));
      const refusal = await eventually(
        async () => {
          const answer = await poll
            .diff({ streams: [stream('s1', 'u1')], watch: false }, owner)
            .catch((error: Error) => error);
          // Refused as READONLY, not because the connection is being made anew.
          return answer instanceof Error && /READONLY/.test(answer.message) && answer;
        },
        { message: 'READONLY' },
      );
      assert.ok(refusal instanceof Error);
      mayBeTriedAgain(refusal);
    } finally {
      // The connection is made anew after each refusal, so that a name that leads to the new primary is looked up again.
      await eventually(() => connection.call('REPLICAOF', 'NO', 'ONE'), { intervalMs: 1 });
    }
    const next = await eventually(() => TestPoll.open(store, NOON + 1));
    const result = await next.diff({ streams: [stream('s1', 'u1')], watch: false });
    assert.deepEqual(result.lost || ids(result.events), ['s1']);
  });
});

function watch({ targets }: Store, streams: readonly Stream[]): Promise<number> {
  return targets.add(
    'user',
    streams.map(({ userId }) => userId),
    0,
    0,
  );
}

/** However often it has failed: a store that is full or read-only for an hour must not cost the events that wait for it. */
function mayBeTriedAgain(error: Error): void {
  for (const attempt of [1, 5, 50]) {
    const failure = toActivityFailure(error, attempt);
    assert.ok(failure instanceof ApplicationFailure);
    assert.equal(failure.nonRetryable, false, `attempt ${attempt}: ${failure.message}`);
    assert.match(failure.message, /DRAGONFLY_URL/);
  }
}
