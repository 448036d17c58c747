import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { type FaultProxy, startFaultProxy } from '../../sandbox/faultProxy.ts';
import { type StoreConnection, waitUntilReady } from '../../src/storage/dragonfly.ts';
import { storeOn } from '../../src/storage/store.ts';
import { eventually, randomPrefix, redis } from '../support/services.ts';
import { fill, LIVE, many, startProbe, timed, watchAll } from './load.ts';
import { contents, OPERATIONS, type Operation } from './operations.ts';
import { connect, NOON, TestPoll } from './support.ts';

const COMMAND_TIMEOUT_MS = 400;
/** A socket on which nothing comes back is given up after two command timeouts; then there is the wait before the next. */
const RECOVERS_WITHIN_MS = 6_000;

/**
 * What the service relies on in its store, whichever it is: runs against the server that TEST_REDIS_URL names. Faults lie
 * between the service and the store; those of the server itself are in ownServer.test.ts.
 */
describe('any store', () => {
  let proxy: FaultProxy;
  /** The way past the faults. */
  let direct: StoreConnection;
  /** The way that the service goes. */
  let faulty: StoreConnection;

  before(async () => {
    const { url } = await redis();
    const { hostname, port } = new URL(url);
    proxy = await startFaultProxy({ target: { host: hostname, port: Number(port || 6_379) } });
    direct = await connect(url);
    faulty = await connect(proxy.url(url), { commandTimeoutMs: COMMAND_TIMEOUT_MS });
  });
  afterEach(async () => {
    await proxy.restore();
    assert.ok(await waitUntilReady(faulty, RECOVERS_WITHIN_MS), 'the connection came back');
  });
  after(async () => {
    faulty?.disconnect();
    direct?.disconnect();
    await proxy?.close();
  });

  /** The contents and the result after the operation went through once and undisturbed. */
  async function undisturbed({ prepare, act, essence = (result) => result }: Operation) {
    const prefix = randomPrefix();
    const store = storeOn(direct, prefix);
    await prepare(store);
    return { result: essence(await act(store)), contents: await contents(direct, prefix) };
  }

  /** The same while `disturb` is under way, with an attempt after each failure, as an activity has. */
  async function disturbed({ prepare, act, essence = (result) => result }: Operation, disturb: () => () => unknown) {
    const prefix = randomPrefix();
    await prepare(storeOn(direct, prefix));
    const failures: string[] = [];
    const stop = disturb();
    const result = await eventually(
      async () => {
        try {
          return { is: essence(await act(storeOn(faulty, prefix))) };
        } catch (error) {
          failures.push((error as Error).message);
          throw error;
        }
      },
      { timeoutMs: RECOVERS_WITHIN_MS, intervalMs: 50, message: 'an attempt that succeeds' },
    );
    await stop();
    return { failures, result: result.is, contents: await contents(direct, prefix) };
  }

  describe('a reply that is lost after the command was carried out changes nothing', () => {
    for (const operation of OPERATIONS) {
      it(operation.name, async () => {
        const expected = await undisturbed(operation);
        let lost = 0;
        const { result, contents: found } = await disturbed(operation, () =>
          proxy.observe((direction) => {
            if (direction === 'toServer' || lost > 0) return undefined;
            lost += 1;
            return Promise.resolve('drop');
          }),
        );
        assert.equal(lost, 1);
        assert.deepEqual({ result, contents: found }, expected);
      });
    }
  });

  describe('a server that goes without a word is noticed in time, and what it did is not done again', () => {
    for (const operation of OPERATIONS) {
      it(operation.name, async () => {
        const expected = await undisturbed(operation);
        let lost = 0;
        const {
          result,
          contents: found,
          failures,
        } = await disturbed(operation, () =>
          proxy.observe((direction) => {
            if (direction === 'toClient' && lost === 0) {
              lost += 1;
              proxy.halfOpen();
            }
            return undefined;
          }),
        );
        assert.equal(lost, 1);
        assert.ok(
          failures.every((message) => /timed out|Socket timeout|enableOfflineQueue|Connection is closed/.test(message)),
          failures.join(),
        );
        assert.deepEqual({ result, contents: found }, expected);
      });
    }
  });

  it('a network that swallows everything costs each command its time limit, not more, and heals by itself', async () => {
    const store = storeOn(faulty, randomPrefix());
    proxy.blackHole(true);
    const started = performance.now();
    const calls = [1, 2, 3].map((n) => store.targets.add('user', [`u${n}`], NOON));
    for (const { status } of await Promise.allSettled(calls)) assert.equal(status, 'rejected');
    const tookMs = performance.now() - started;
    assert.ok(tookMs < 5 * COMMAND_TIMEOUT_MS, `${Math.round(tookMs)} ms`);
    await proxy.restore();
    await eventually(async () => void (await store.targets.add('user', ['u1', 'u2', 'u3'], NOON)), {
      timeoutMs: RECOVERS_WITHIN_MS,
    });
    assert.equal(await store.targets.count('user'), 3);
  });

  it('refused connections fail at once, and the first command after the return is answered', async () => {
    const store = storeOn(faulty, randomPrefix());
    await proxy.refuse(true);
    proxy.reset();
    await eventually(() => assert.notEqual(faulty.status, 'ready'), { intervalMs: 1 });
    const started = performance.now();
    for (let n = 0; n < 20; n++) await assert.rejects(store.targets.count('user'), /enableOfflineQueue|closed/);
    assert.ok(performance.now() - started < COMMAND_TIMEOUT_MS, 'nobody waits for a connection that is not there');
    await proxy.refuse(false);
    assert.ok(await waitUntilReady(faulty, RECOVERS_WITHIN_MS));
    assert.equal(await store.targets.count('user'), 0);
  });

  it('a server that has forgotten the scripts is taught them again, in the middle of other calls', async () => {
    for (const operation of OPERATIONS) {
      const expected = await undisturbed(operation);
      const { failures, ...got } = await disturbed(operation, () => {
        // Not awaited: it meets the calls wherever they are.
        const flushed = direct.script('FLUSH');
        return () => flushed;
      });
      assert.deepEqual(failures, [], operation.name);
      assert.deepEqual(got, expected, operation.name);
    }
  });

  it('streams that many games no longer show end, however many calls it takes', async () => {
    const store = storeOn(direct, randomPrefix());
    const games = Array.from({ length: 50 }, (_, n) => `many-g${n}`);
    for (const minute of [0, 1, 2]) {
      const poll = await TestPoll.open(store, NOON + minute, 0, { claimBytes: Number.MAX_SAFE_INTEGER });
      const streams = many(0, minute === 0 ? 12_000 : 500);
      const result = await poll.diff({ kind: 'game', streams, complete: { games } });
      const expected = [
        [0, 12_000],
        [0, 12_000],
        [11_500, 500],
      ][minute];
      assert.deepEqual(result.lost ? 'lost' : [result.ended, result.live], expected);
    }
    assert.equal(await direct.zcard(store.keys.liveByGame), 500);
  });

  it(`${LIVE.toLocaleString('en')} live streams: no call holds up the others for long`, async (t) => {
    const prefix = randomPrefix();
    const store = storeOn(direct, prefix);
    const used = async () => Number(/used_memory:(\d+)/.exec(await direct.info('memory'))?.[1]);
    await watchAll(store);
    const before = await used();
    const probe = startProbe(direct);
    t.after(() => probe.close());
    const fillMs = await timed(() => fill(store));
    const bytes = (await used()) - before;

    const again = await TestPoll.open(store, NOON + 2, NOON + 1);
    const owner = again.nextOwner();
    const callsMs: number[] = [];
    for (let at = 0; at < 10_000; at += 500) {
      callsMs.push(await timed(() => again.diff({ streams: many(at, at + 500), watch: false }, owner)));
    }
    const missing = await TestPoll.open(store, NOON + 3, NOON + 2);
    const games = Array.from({ length: 50 }, (_, n) => `many-g${n}`);
    const missMs = await timed(async () => {
      const result = await missing.diff({ kind: 'game', complete: { games } });
      // Users show these streams, and a game's list that lacks them says nothing.
      assert.deepEqual(result.lost ? 'lost' : [result.ended, result.live], [0, LIVE]);
    });
    const worstMs = await probe.stop();
    t.diagnostic(
      `filled in ${Math.round(fillMs)} ms, ${Math.round(bytes / LIVE)} bytes a stream; 500 known streams: ` +
        `${Math.round(Math.max(...callsMs))} ms at most; 50 games with all of them: ${Math.round(missMs)} ms; ` +
        `another client waited ${Math.round(worstMs)} ms at most`,
    );
    assert.ok(Math.max(...callsMs) < 1_000);
    assert.ok(missMs < 5_000, 'the time limit of a command');
    assert.ok(worstMs < 1_500);
    assert.ok(bytes / LIVE < 2_000);
    const { keys } = store;
    await direct.unlink(keys.live, keys.liveByGame, keys.hot, keys.hotUntil, keys.targets('user'), keys.added('user'));
  });
});
