import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Pace } from '../../src/twitch/pace.ts';
import { sandboxAndClient } from './support.ts';

describe('the pace of requests', () => {
  it('is free while the bucket holds more than its reserve', async () => {
    const pace = new Pace(() => 0);
    pace.note({ limit: 800, remaining: 80, resetAtMs: 0 });
    assert.equal(pace.spacingMs, 0);
    for (let i = 0; i < 100; i++) await pace.wait();
  });

  it('slows down the more, the less is left, and speeds up when the bucket has filled again', () => {
    const pace = new Pace(() => 0);
    const spacing = (remaining: number) => {
      pace.note({ limit: 800, remaining, resetAtMs: 0 });
      return pace.spacingMs;
    };
    assert.equal(spacing(40), 150);
    assert.equal(spacing(10), 600);
    assert.equal(spacing(0), 2_000);
    assert.equal(spacing(700), 0);
  });

  it('ends a wait when its caller gives up', async () => {
    const pace = new Pace(() => 0);
    pace.note({ limit: 800, remaining: 0, resetAtMs: 0 });
    await pace.wait();
    const reason = new Error('given up');
    await assert.rejects(pace.wait(AbortSignal.abort(reason)), reason);
  });

  it('goes on although the wall clock is set back by an hour', { timeout: 20_000 }, async () => {
    let setBackMs = 0;
    const now = () => Date.now() - setBackMs;
    const { sandbox, client } = await sandboxAndClient({ now }, { requestsPerMinute: 600 });
    sandbox.faults.drain(590);
    for (let i = 0; i < 3; i++) await client.getStreams({ kind: 'user', ids: ['1'] });
    setBackMs = 3_600_000;
    await client.getStreams({ kind: 'user', ids: ['1'] }, AbortSignal.timeout(5_000));
  });

  it('leaves room for another client of the same id, without a single 429', { timeout: 30_000 }, async () => {
    const perMinute = 1_200;
    const { sandbox, client } = await sandboxAndClient({}, { requestsPerMinute: perMinute });
    sandbox.faults.drain(perMinute * 0.8);
    sandbox.faults.otherClient(perMinute / 2);
    const until = Date.now() + 12_000;
    let answered = 0;
    const lane = async () => {
      while (Date.now() < until) {
        await client.getStreams({ kind: 'user', ids: ['1'] });
        answered += 1;
      }
    };
    await Promise.all(Array.from({ length: 4 }, lane));
    assert.equal(sandbox.stats().tooManyRequests, 0);
    // A fifth of the bucket, and the half of the refill that the other client leaves.
    const fair = perMinute * 0.2 + (perMinute / 2 / 60) * 12;
    assert.ok(answered > fair * 0.7, `${answered} requests of about ${fair}`);
  });
});
