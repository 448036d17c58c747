import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Note, SERIES, Series, type SeriesRange } from '../../src/storage/series.ts';
import { iso, MINUTE, NOON, type Store, storeForEach } from './support.ts';

const RANGES: SeriesRange[] = ['day', 'month'];
const DAY_MS = 24 * 3_600_000;

function noteOf(fill: (note: Note) => void): Note {
  const note = new Note();
  fill(note);
  return note;
}

/** The series as they are read at another time than now. */
class At extends Series {
  readonly #nowMs: number;
  constructor({ connection, keys }: Store, nowMs: number) {
    super(connection, keys);
    this.#nowMs = nowMs;
  }
  override async nowMs() {
    return this.#nowMs;
  }
}

describe('the series', () => {
  const store = storeForEach();
  const readAt = async (range: SeriesRange, nowMs: number) => (await new At(store, nowMs).read(range)).slots;

  it('hold nothing at first', async () => {
    for (const range of RANGES) assert.deepEqual((await store.series.read(range)).slots, []);
  });

  it('add up what several workers note, each note once', async () => {
    const polls = noteOf((note) => {
      note.count('polls');
      note.count('requests', 7);
      note.is('live', 30);
      note.atMost('liveMost', 30);
    });
    const more = noteOf((note) => {
      note.count('requests', 5);
      note.is('live', 20);
      note.atMost('liveMost', 20);
      note.time('lag', 4_000);
    });
    const { series } = store;
    await series.write(polls, NOON, 'one', 1);
    await series.write(more, NOON + MINUTE, 'two', 1);
    for (let again = 0; again < 2; again++) await series.write(polls, NOON + MINUTE, 'one', 1);
    await series.write(more, NOON + 4 * MINUTE, 'one', 2);
    for (const range of RANGES) {
      const [slot, ...others] = await readAt(range, NOON + 5 * MINUTE - 1);
      assert.deepEqual(others, []);
      assert.partialDeepStrictEqual(slot, { atMs: NOON, polls: 1, requests: 17, live: 20, liveMost: 30 });
      assert.partialDeepStrictEqual(slot, { lagCount: 2, lagMs: 8_000, lagMostMs: 4_000, partialPolls: 0 });
      assert.equal('targets' in (slot ?? {}), false);
    }
    await series.write(more, NOON + 5 * MINUTE, 'one', 3);
    assert.deepEqual(
      (await readAt('day', NOON + 5 * MINUTE)).map(({ atMs, requests }) => [atMs - NOON, requests]),
      [
        [0, 17],
        [5 * MINUTE, 5],
      ],
    );
    assert.deepEqual(
      (await readAt('month', NOON + 5 * MINUTE)).map(({ requests }) => requests),
      [22],
    );
  });

  it('keep their size: a slot takes the place of the one a round ago', async () => {
    const one = noteOf((note) => note.count('polls'));
    const last = NOON + 900 * 50 * MINUTE;
    let number = 0;
    for (let at = NOON; at <= last; at += 50 * MINUTE) await store.series.write(one, at, 'w', ++number);
    for (const range of RANGES) {
      const { slotSeconds, slots } = SERIES[range];
      assert.ok((await store.connection.hlen(store.keys.series(range))) <= slots);
      const found = await readAt(range, last);
      assert.ok((found[0]?.atMs ?? 0) > last - slots * slotSeconds * 1_000, 'none is of an earlier round');
      assert.deepEqual(
        found,
        [...found].sort((a, b) => a.atMs - b.atMs),
      );
    }
    assert.equal((await readAt('day', last)).length, Math.floor((24 * 60) / 50) + 1);
    assert.ok((await readAt('month', last)).every(({ polls }) => polls <= 2));
    // Long after, all of them are too old; and before they were written, too new.
    assert.deepEqual([await readAt('day', last + DAY_MS), await readAt('day', NOON - DAY_MS)], [[], []]);
  });

  it('remember no more than some writers', async () => {
    const one = noteOf((note) => note.count('polls'));
    for (let n = 0; n < 100; n++) await store.series.write(one, NOON, `writer-${n}`, 1);
    const [text = ''] = await store.connection.hvals(store.keys.series('day'));
    assert.equal(JSON.parse(text).polls, 100);
    assert.ok(Object.keys(JSON.parse(text).by).length <= 32);
  });

  it('take what they find there for what it is', async () => {
    const { connection, keys, series } = store;
    const slots = ['', 'null', '7', '[]', '{"at":', '{"at":"x"}', `{"at":${NOON},"by":7}`];
    const odd = { at: NOON - 5 * MINUTE, by: { w: 'x' }, polls: 'many', requests: -4, live: 1e300, lagCount: 3, x: {} };
    await connection.hset(keys.series('day'), ...slots.flatMap((text, i) => [i, text]), 'z', JSON.stringify(odd));
    const [first, second, ...others] = await readAt('day', NOON);
    assert.deepEqual(others, []);
    assert.partialDeepStrictEqual(first, { atMs: odd.at, polls: 0, requests: 0, lagCount: 3 });
    assert.equal('live' in (first ?? {}), false);
    assert.equal(second?.atMs, NOON);
    // Whatever the slot holds that is written next, it is one of ours after that.
    const one = noteOf((note) => note.count('polls'));
    for (const text of [...slots, JSON.stringify({ ...odd, at: NOON })]) {
      await connection.hset(keys.series('day'), (NOON / 300_000) % 288, text);
      await series.write(one, NOON, 'w', 1);
      const written = (await readAt('day', NOON)).filter(({ polls }) => polls === 1);
      assert.equal(written.length, 1, text);
    }
  });

  it('take what they are told for what it is', async () => {
    const { series } = store;
    const events = [
      { startedAt: iso(Date.now() - 5_000), detectedAt: iso(Date.now() - 100), reason: 'started' as const },
      { startedAt: iso(Date.now() + 60_000), detectedAt: iso(Date.now() + 60_000), reason: 'started' as const },
      { startedAt: '', detectedAt: 'yesterday', reason: 'started' as const },
      { startedAt: '1970-01-01T00:00:00Z', detectedAt: iso(0), reason: 'started' as const },
      { startedAt: iso(Date.now() - 3_600_000), detectedAt: iso(Date.now() - 100), reason: 'first_sight' as const },
    ];
    series.noteAnnounced([]);
    series.noteAnnounced(events);
    series.notePoll({ failedBatches: 1, live: Number.NaN, targets: 5 });
    series.notePoll({ failedBatches: undefined as never, live: 4, targets: -1 });
    series.noteFailedPoll();
    series.noteRequest();
    await series.flush();
    const [slot, ...others] = (await series.read('day')).slots;
    assert.deepEqual(others, []);
    assert.partialDeepStrictEqual(slot, { polls: 3, partialPolls: 1, failedPolls: 1, requests: 1 });
    assert.partialDeepStrictEqual(slot, { live: 4, liveMost: 4, targets: 5, announced: 5 });
    assert.ok(slot);
    assert.deepEqual([slot.lagCount, slot.deliveryCount], [2, 3]);
    assert.ok(slot.lagMs > 4_900 && slot.lagMs < 15_000 && slot.lagMostMs === slot.lagMs);
    assert.ok(slot.deliveryMs > 150 && slot.deliveryMostMs < 10_000);
  });

  it('write by themselves soon, and cost nobody anything when the store is away or refuses', async () => {
    const { connection, keys, series } = store;
    series.noteRequest();
    for (let tries = 0; (await series.read('day')).slots.length === 0; tries++) {
      assert.ok(tries < 100, 'written within seconds');
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    await connection.set(keys.series('day'), 'no hash');
    series.noteRequest();
    await series.flush();
    await connection.del(keys.series('day'));
    const away = connection.duplicate({ lazyConnect: true, enableOfflineQueue: false });
    const cut = new Series(away as typeof connection, keys);
    cut.noteRequest();
    await cut.flush();
    series.noteRequest();
    await series.flush();
    assert.deepEqual(
      (await series.read('day')).slots.map(({ requests }) => requests),
      [1],
    );
  });
});
