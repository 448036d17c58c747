import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Random } from '../../sandbox/twitch/random.ts';
import {
  afterInvalidCursor,
  afterPage,
  type Chain,
  type ChainPage,
  MOST_PAGES,
  type Step,
  startChain,
} from '../../src/poll/chain.ts';
import { isDeadCursor } from '../../src/twitch/cursor.ts';

const yes = () => true;
const no = () => false;
const page = (streams: number, next?: string): ChainPage => ({ streams, malformed: 0, ...(next && { next }) });
const deadPage = (streams: number): ChainPage => ({ ...page(streams, 'dead'), dead: true });

describe('the pages of a batch', () => {
  it('end without a cursor, and are complete', () => {
    const chain = startChain('user');
    assert.equal(afterPage(chain, page(45), yes), 'end');
    assert.ok(chain.complete);
  });

  it('follow the cursor, each page with its own number', () => {
    const chain = startChain('game', 0, 7);
    assert.deepEqual(afterPage(chain, page(100, 'a'), yes), { page: 8, after: 'a' });
    assert.deepEqual(afterPage(chain, page(45, 'b'), yes), { page: 9, after: 'b' }, 'a short page is no end');
    assert.equal(afterPage(chain, page(0), yes), 'end');
    assert.ok(chain.complete, 'an empty page without a cursor behind a short one is the regular end');
  });

  it('ask again from the last good cursor when a full page shows a dead one, and go on with the good one', () => {
    const chain = startChain('game');
    afterPage(chain, page(100, 'a'), yes);
    assert.deepEqual(afterPage(chain, deadPage(100), yes), { page: 2, after: 'a' });
    assert.deepEqual(afterPage(chain, page(100, 'b'), yes), { page: 3, after: 'b' });
    assert.equal(afterPage(chain, page(20), yes), 'end');
    assert.ok(chain.complete);
  });

  it('are given up at a full page whose cursor stays dead; at a short one that is the end', () => {
    for (const [streams, asked, complete] of [
      [100, 9, false],
      [45, 3, true],
    ] as const) {
      const chain = startChain('game');
      let requests = 1;
      while (afterPage(chain, deadPage(streams), yes) !== 'end') requests += 1;
      assert.deepEqual([requests, chain.complete], [asked, complete]);
    }
  });

  it('do not doubt a dead cursor when all that are known were seen, nor one of users', () => {
    const known = startChain('game', 140);
    afterPage(known, page(100, 'a'), yes);
    assert.equal(afterPage(known, deadPage(40), yes), 'end');
    const more = startChain('game', 141);
    afterPage(more, page(100, 'a'), yes);
    assert.deepEqual(afterPage(more, deadPage(40), yes), { page: 2, after: 'a' });
    const users = startChain('user');
    assert.equal(afterPage(users, deadPage(3), yes), 'end');
    assert.ok(known.complete && users.complete);
  });

  it('go back for another cursor when one leads to an empty page, to the beginning, or is refused', () => {
    for (const odd of [
      (chain: Chain) => afterPage(chain, page(0), yes),
      (chain: Chain) => afterPage(chain, page(0, 'x'), yes),
      (chain: Chain) => afterPage(chain, page(100, 'a'), yes),
      (chain: Chain) => afterInvalidCursor(chain, yes),
    ]) {
      const chain = startChain('game');
      afterPage(chain, page(100, 'a'), yes);
      afterPage(chain, page(100, 'b'), yes);
      const step = odd(chain);
      assert.ok(step !== 'end' && step.after === 'a');
      const on = afterPage(chain, page(100, 'c'), yes);
      assert.ok(on !== 'end' && on.after === 'c');
      assert.equal(afterPage(chain, page(5), yes), 'end');
      assert.ok(chain.complete);
    }
  });

  it('ask a page again that names itself as the next', () => {
    const chain = startChain('game');
    afterPage(chain, page(100, 'a'), yes);
    assert.deepEqual(afterPage(chain, page(100, 'a'), yes), { page: 2, after: 'a' });
  });

  it('find every stream of 900 within two polls at 40 % dead cursors, mostly in one, and cost what they must', () => {
    const random = new Random(1);
    let complete = 0;
    let requests = 0;
    for (let course = 0; course < 500; course++) {
      const seen = new Set<number>();
      for (let poll = 0; poll < 2; poll++) {
        const chain = startChain('game', seen.size);
        let step: Step = { page: 0 };
        while (step !== 'end') {
          const at = Number(step.after ?? 0);
          for (let stream = at; stream < at + 100; stream++) seen.add(stream);
          const dead = at < 800 && random.next() < 0.4;
          step = afterPage(chain, dead ? deadPage(100) : page(100, at < 800 ? String(at + 100) : undefined), yes);
        }
        complete += chain.complete ? 1 : 0;
        requests += chain.answers;
      }
      assert.equal(seen.size, 900);
    }
    assert.ok(complete >= 985, `${complete} of 1,000 chains`);
    assert.ok(requests / 1_000 < 15, `${requests / 1_000} requests for 9 pages`);
  });

  it('break off at the cap, and in older runs at once at a cursor that comes again or an empty page with one', () => {
    const looping = startChain('game');
    afterPage(looping, page(100, 'a'), no);
    afterPage(looping, page(100, 'b'), no);
    assert.equal(afterPage(looping, page(100, 'a'), no), 'end');
    assert.ok(!looping.complete);

    const empty = startChain('game');
    assert.equal(afterPage(empty, page(0, 'a'), no), 'end');
    assert.ok(!empty.complete);

    const endless = startChain('game');
    let step: Step = { page: 0 };
    for (let i = 0; i < MOST_PAGES; i++) step = afterPage(endless, page(100, `c${i}`), yes);
    assert.equal(step, 'end');
    assert.ok(!endless.complete);
  });

  it('are not complete when an entry could not be read', () => {
    const chain = startChain('game');
    afterPage(chain, { streams: 99, malformed: 1 }, yes);
    assert.ok(!chain.complete);
  });

  it('start again once after a refused cursor in older runs, with new page numbers, and break off at the second', () => {
    const chain = startChain('game');
    afterPage(chain, page(100, 'a'), no);
    assert.deepEqual(afterInvalidCursor(chain, no), { page: 1 });
    assert.deepEqual(afterPage(chain, page(100, 'a'), no), { page: 2, after: 'a' });
    assert.ok(chain.complete);
    assert.equal(afterInvalidCursor(chain, no), 'end');
    assert.ok(!chain.complete);
  });

  it('always end, and never stage two pages under one number, whatever Twitch answers', () => {
    const answer = fc.oneof(
      fc.record({
        streams: fc.constantFrom(0, 40, 100),
        malformed: fc.nat({ max: 2 }),
        next: fc.string({ maxLength: 1 }),
        dead: fc.boolean(),
      }),
      fc.record({ streams: fc.nat({ max: 100 }), malformed: fc.nat({ max: 2 }) }),
      fc.constant('invalid cursor' as const),
    );
    const kinds = fc.constantFrom('user' as const, 'game' as const);
    const property = fc.property(kinds, fc.boolean(), fc.infiniteStream(answer), (kind, patient, answers) => {
      const chain = startChain(kind);
      const pages = new Set<number>();
      let requests = 0;
      let step: Step = { page: 0 };
      while (step !== 'end') {
        requests += 1;
        assert.ok(requests <= 2 * MOST_PAGES);
        const next = answers.next().value;
        if (next === 'invalid cursor') {
          step = afterInvalidCursor(chain, () => patient);
          continue;
        }
        assert.ok(!pages.has(step.page));
        pages.add(step.page);
        step = afterPage(chain, next, () => patient);
      }
    });
    fc.assert(property);
  });
});

describe('a cursor', () => {
  const encode = (text: string) => Buffer.from(text).toString('base64');
  it('is dead when it names no place behind the page, in each form that Twitch was seen to use', () => {
    const samples = [
      'eyJiIjp7IkN1cnNvciI6ImV5SnpJam95TVRjeExqazBNak0xTVRneU5EVTVNRE1zSW1RaU9tWmhiSE5sTENKMElqcDBjblZsZlE9PSJ9LCJhIjp7IkN1cnNvciI6IiJ9fQ',
      'ZXlKeklqb3hMakF6T0RBM05EQTRNelF3TWpNd05EWXNJbVFpT21aaGJITmxMQ0owSWpwMGNuVmxmUT09IA',
      'IA',
      encode('{"b":null,"a":""}'),
      encode('{"b":null,"a":{}}'),
      encode('{"b":null,"a":null}'),
    ];
    for (const cursor of samples) assert.ok(isDeadCursor(cursor), cursor);
  });

  it('is good when it names one, and when nobody can tell', () => {
    const samples = [
      'eyJiIjp7IkN1cnNvciI6ImV5SnpJam8zT0RNMk5TNDBORFF4TlRjMU1UY3hOU3dpWkNJNlptRnNjMlVzSW5RaU9uUnlkV1Y5In0sImEiOnsiQ3Vyc29yIjoiZXlKeklqb3hOVGs0TkM0MU56RXhNekExTVRZNU1ESXNJbVFpT21aaGJITmxMQ0owSWpwMGNuVmxmUT09In19',
      encode('{"b":null,"a":{"Offset":0,"Page":1}}'),
      'opaque',
      '!',
      encode('null'),
      encode('[1]'),
    ];
    for (const cursor of samples) assert.ok(!isDeadCursor(cursor), cursor);
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => typeof isDeadCursor(text) === 'boolean'));
  });
});
