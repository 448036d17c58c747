import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { listen } from '../../../src/http/server.ts';
import type { StreamEvent } from '../../../src/poll/model.ts';
import { newReport } from '../../../src/poll/report.ts';
import { Note } from '../../../src/storage/series.ts';
import { applySchedule } from '../../../src/temporal/schedule/actions.ts';
import { iso, NOON, stream, TestPoll } from '../../storage/support.ts';
import { apiServers } from './support.ts';

describe('the HTTP API: what there is to look at', () => {
  const serve = apiServers();

  it('lists live streams page by page, by game too', async () => {
    const { store, call } = await serve();
    const poll = await TestPoll.open(store, NOON);
    const streams = ['a', 'b', 'c', 'd'].map((id, i) => stream(id, `${30 + i}`, NOON, i < 3 ? 'g:1' : ''));
    await poll.announce({ streams });
    const first = (await call('GET', '/streams?limit=3')).body;
    assert.deepEqual(
      [first.live, first.streams.map(({ userId }: { userId: string }) => userId)],
      [4, ['33', '30', '31']],
    );
    const second = (await call('GET', `/streams?limit=3&after=${first.next}`)).body;
    assert.deepEqual(
      [second.streams.map(({ streamId }: { streamId: string }) => streamId), second.next],
      [['c'], undefined],
    );
    assert.equal((await call('GET', '/streams?game=none')).body.streams.length, 0);
    assert.equal((await call('GET', '/streams?after=nonsense')).status, 400);
  });

  it('tells what has become of announcements, page by page', async () => {
    const { store, call } = await serve();
    const events = ['a', 'b', 'c'].map(
      (id): StreamEvent => ({ ...stream(id, `u${id}`), reason: 'started', detectedAt: iso(NOON) }),
    );
    const [a, b, c] = events as [StreamEvent, StreamEvent, StreamEvent];
    await store.feed.note('claimed', [a]);
    await store.feed.note('claimed', [b]);
    await store.feed.note('announced', [a]);
    await store.streams.markAnnounced(['a']);
    await store.feed.note('claimed', [c]);
    await store.feed.note('waiting', [c]);
    const seen: string[] = [];
    let before = '';
    do {
      const { body } = await call('GET', `/announcements?limit=2${before && `&before=${before}`}`);
      seen.push(...body.announcements.map(({ streamId, state }: Record<string, string>) => `${streamId} ${state}`));
      before = body.next ?? '';
    } while (before);
    assert.deepEqual(seen, ['c waiting', 'a announced', 'b claimed']);
  });

  it('lists reports of polls', async () => {
    const { store, call } = await serve();
    for (const id of ['a', 'b', 'c']) await store.polls.keepReport({ ...newReport(id, NOON), live: 7 });
    const { body } = await call('GET', '/polls?limit=2');
    assert.deepEqual(
      body.polls.map(({ pollId, live }: { pollId: string; live: number }) => [pollId, live]),
      [
        ['c', 7],
        ['b', 7],
      ],
    );
  });

  it('tells how it went over a day and a month', async () => {
    const { store, call } = await serve({ env: { TWITCH_REQUESTS_PER_MINUTE: '100' } });
    const empty = (await call('GET', '/series')).body;
    assert.deepEqual([empty.slotSeconds, empty.mostSlots, empty.slots], [300, 288, []]);
    const note = new Note();
    for (const lagMs of [1_000, 2_500]) note.time('lag', lagMs);
    note.count('requests', 250);
    const hourAgoMs = Date.parse(empty.now) - 3_600_000;
    await store.series.write(note, hourAgoMs, 'w', 1);
    store.series.notePoll({ failedBatches: 1, live: 9, targets: 70 });
    await store.series.flush();
    const { slots } = (await call('GET', '/series?range=day')).body;
    assert.equal(slots.length, 2);
    assert.partialDeepStrictEqual(slots[0], { requests: 250, budgetPercent: 50, announced: 0, polls: 0 });
    assert.deepEqual(slots[0].lag, { count: 2, meanSeconds: 1.75, mostSeconds: 2.5 });
    assert.deepEqual([slots[0].live, slots[0].targets, slots[0].delivery], [undefined, undefined, undefined]);
    assert.partialDeepStrictEqual(slots[1], {
      polls: 1,
      partialPolls: 1,
      failedPolls: 0,
      live: 9,
      liveMost: 9,
      targets: 70,
    });
    assert.ok(Date.parse(slots[0].at) <= hourAgoMs && Date.parse(slots[0].at) > hourAgoMs - 300_000);
    assert.deepEqual((await call('GET', `/series?from=${slots[1].at}`)).body.slots, [slots[1]]);
    assert.equal((await call('GET', '/series?range=month')).body.slotSeconds, 3_600);
    for (const query of ['range=year', 'from=yesterday', 'x=1']) {
      assert.equal((await call('GET', `/series?${query}`)).status, 400, query);
    }
  });

  it('sends announcements as they come, and goes on where a client has left off', async () => {
    const { app, store } = await serve();
    const event = (id: string): StreamEvent => ({ ...stream(id, `u${id}`), reason: 'started', detectedAt: iso(NOON) });
    const url = await listen(app, '127.0.0.1', 0);
    /** Reads events until so many have come. */
    const follow = async (count: number, meanwhile: () => Promise<void>, headers = {}) => {
      const leaving = new AbortController();
      const answer = await fetch(`${url}/api/v1/announcements/live`, { headers, signal: leaving.signal });
      assert.match(answer.headers.get('content-type') ?? '', /^text\/event-stream/);
      await meanwhile();
      let text = '';
      for await (const chunk of answer.body ?? []) {
        text += Buffer.from(chunk).toString();
        if (text.split('event: announcement').length > count) break;
      }
      leaving.abort();
      return [...text.matchAll(/^id: (.*)\nevent: announcement\ndata: (.*)$/gm)].map(([, id, data = '']) => ({
        id: id ?? '',
        streamId: JSON.parse(data).streamId as string,
      }));
    };
    await store.feed.note('announced', [event('before')]);
    const [first, second] = await follow(2, async () => {
      await store.feed.note('claimed', [event('one')]);
      await store.feed.note('announced', [event('one')]);
    });
    assert.deepEqual([first?.streamId, second?.streamId], ['one', 'one']);
    for (const id of ['two', 'three']) await store.feed.note('announced', [event(id)]);
    const missed = await follow(3, () => store.feed.note('announced', [event('four')]), { 'last-event-id': first?.id });
    assert.deepEqual(missed.map(({ streamId }) => streamId).slice(0, 3), ['one', 'two', 'three']);
    const startedMs = performance.now();
    await Promise.all([follow(9, async () => void (await app.close())).catch(() => undefined)]);
    assert.ok(performance.now() - startedMs < 5_000, 'a page that follows does not hold up the end');
  });

  it('shows the schedule, pauses, resumes and triggers it, and says what is missing', async () => {
    const without = await serve();
    assert.deepEqual([(await without.call('GET', '/schedule')).status], [503]);
    const { call, client } = await serve({ temporal: true });
    assert.match((await call('GET', '/schedule')).body.detail, /there is no schedule stream-poller; create it/);
    assert.ok(client);
    await applySchedule(client, { intervalSeconds: 3_600 });
    assert.equal((await call('POST', '/schedule/pause', { note: 'maintenance' })).status, 204);
    const paused = (await call('GET', '/schedule')).body;
    assert.deepEqual([paused.paused, paused.note, paused.intervalSeconds], [true, 'maintenance', 3_600]);
    assert.equal((await call('POST', '/schedule/resume')).status, 204);
    assert.equal((await call('GET', '/schedule')).body.paused, false);
    assert.equal((await call('POST', '/schedule/trigger')).body.state, 'started');
    assert.equal((await call('GET', '/schedule')).body.runs.length, 1);
  });
});
