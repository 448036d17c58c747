import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { afterInvalidCursor, afterPage, MOST_PAGES, type Step, startChain } from '../../src/workflows/chain.ts';

describe('the pages of a batch', () => {
  it('end without a cursor, and are complete', () => {
    const chain = startChain();
    assert.equal(afterPage(chain, { streams: 45, malformed: 0 }), 'end');
    assert.ok(chain.complete);
  });

  it('follow the cursor, each page with its own number', () => {
    const chain = startChain();
    assert.deepEqual(afterPage(chain, { streams: 100, malformed: 0, next: 'a' }), { page: 1, after: 'a' });
    assert.deepEqual(afterPage(chain, { streams: 100, malformed: 0, next: 'b' }), { page: 2, after: 'b' });
    assert.equal(afterPage(chain, { streams: 0, malformed: 0 }), 'end');
    assert.ok(chain.complete, 'an empty page without a cursor is the regular end');
  });

  it('break off at a cursor that comes again, at an empty page with a cursor, and at the cap', () => {
    const looping = startChain();
    afterPage(looping, { streams: 100, malformed: 0, next: 'a' });
    afterPage(looping, { streams: 100, malformed: 0, next: 'b' });
    assert.equal(afterPage(looping, { streams: 100, malformed: 0, next: 'a' }), 'end');
    assert.ok(!looping.complete);

    const empty = startChain();
    assert.equal(afterPage(empty, { streams: 0, malformed: 0, next: 'a' }), 'end');
    assert.ok(!empty.complete);

    const endless = startChain();
    let step: Step = { page: 0 };
    for (let i = 0; i < MOST_PAGES; i++) step = afterPage(endless, { streams: 100, malformed: 0, next: `c${i}` });
    assert.equal(step, 'end');
    assert.ok(!endless.complete);
  });

  it('are not complete when an entry could not be read', () => {
    const chain = startChain();
    afterPage(chain, { streams: 99, malformed: 1 });
    assert.ok(!chain.complete);
  });

  it('start again once after a refused cursor, with new page numbers, and break off at the second', () => {
    const chain = startChain();
    afterPage(chain, { streams: 100, malformed: 0, next: 'a' });
    assert.deepEqual(afterInvalidCursor(chain), { page: 1 });
    assert.deepEqual(afterPage(chain, { streams: 100, malformed: 0, next: 'a' }), { page: 2, after: 'a' });
    assert.ok(chain.complete);
    assert.equal(afterInvalidCursor(chain), 'end');
    assert.ok(!chain.complete);
  });

  it('always end, and never request a page twice, whatever Twitch answers', () => {
    const answer = fc.oneof(
      fc.record({ streams: fc.nat({ max: 100 }), malformed: fc.nat({ max: 2 }), next: fc.string({ maxLength: 1 }) }),
      fc.record({ streams: fc.nat({ max: 100 }), malformed: fc.nat({ max: 2 }) }),
      fc.constant('invalid cursor' as const),
    );
    const property = fc.property(fc.infiniteStream(answer), (answers) => {
      const chain = startChain();
      const pages = new Set<number>();
      let step: Step = { page: 0 };
      while (step !== 'end') {
        assert.ok(!pages.has(step.page) || step.after === undefined);
        pages.add(step.page);
        assert.ok(pages.size <= MOST_PAGES);
        const next = answers.next().value;
        step = next === 'invalid cursor' ? afterInvalidCursor(chain) : afterPage(chain, next);
      }
    });
    fc.assert(property);
  });
});
