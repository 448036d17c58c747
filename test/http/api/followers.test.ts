import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { listen } from '../../../src/http/server.ts';
import type { StreamEvent } from '../../../src/poll/model.ts';
import type { Store } from '../../../src/storage/store.ts';
import { iso, NOON, stream } from '../../storage/support.ts';
import { eventually } from '../../support/services.ts';
import { apiServers } from './support.ts';

const event = (id: string): StreamEvent => ({ ...stream(id, `u${id}`), reason: 'started', detectedAt: iso(NOON) });

async function readsOfFeed(store: Store): Promise<number> {
  const stats = await store.connection.info('commandstats');
  return Number(/cmdstat_xrange:calls=(\d+)/.exec(stats)?.[1] ?? 0);
}

describe('followers of the feed', () => {
  const serve = apiServers();

  it('are told the same by one read for all of them, wherever each began', async () => {
    const { app, store } = await serve();
    const url = await listen(app, '127.0.0.1', 0);
    await store.feed.note('announced', ['1', '2', '3'].map(event));
    const leaving = new AbortController();
    const texts = await Promise.all(
      Array.from({ length: 20 }, async (_, i) => {
        const headers = i < 10 ? { 'last-event-id': '0-0' } : {};
        const answer = await fetch(`${url}/api/v1/announcements/live`, { headers, signal: leaving.signal });
        const told = { text: '' };
        void (async () => {
          for await (const chunk of answer.body ?? []) told.text += Buffer.from(chunk).toString();
        })().catch(() => undefined);
        return told;
      }),
    );
    const idsOf = ({ text }: { text: string }) => [...text.matchAll(/"streamId":"(\w+)"/g)].map(([, id]) => id).join();
    await eventually(() => assert.equal(idsOf(texts[0] as { text: string }), '1,2,3'));
    await store.feed.note('announced', [event('4')]);
    await eventually(() => assert.deepEqual(texts.map(idsOf), [...Array(10).fill('1,2,3,4'), ...Array(10).fill('4')]));
    const before = await readsOfFeed(store);
    await sleep(3_000);
    const reads = (await readsOfFeed(store)) - before;
    assert.ok(reads >= 2 && reads <= 4, `${reads} reads in 3 s for 20 followers`);
    leaving.abort();
    await eventually(async () => {
      const then = await readsOfFeed(store);
      await sleep(1_500);
      assert.equal((await readsOfFeed(store)) - then, 0, 'nobody follows any more');
    });
  });

  it('that take nothing are not waited for, and hold up nobody', async () => {
    const { app, store } = await serve();
    const url = new URL(await listen(app, '127.0.0.1', 0));
    const stalled = connect(Number(url.port), url.hostname);
    stalled.pause();
    stalled.write('GET /api/v1/announcements/live HTTP/1.1\r\nhost: here\r\nlast-event-id: 0-0\r\n\r\n');
    const large = { ...event('large'), title: 'x'.repeat(100_000) };
    for (let i = 0; i < 100; i++) await store.feed.note('announced', [large]);
    const answer = await fetch(new URL('/api/v1/announcements/live', url));
    await store.feed.note('announced', [event('after')]);
    const startedMs = performance.now();
    for await (const chunk of answer.body ?? []) if (Buffer.from(chunk).includes('"after"')) break;
    assert.ok(performance.now() - startedMs < 3_000);
    stalled.destroy();
  });
});
