import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { BISECTING_REQUESTS, Bisection, namesIds } from '../../src/poll/bisection.ts';

const batch = Array.from({ length: 100 }, (_, i) => String(i));

/** Asks a Twitch that refuses some ids, and returns how many requests it took. */
function run(parts: Bisection, refuses: (ids: string[]) => boolean, named = false): number {
  let requests = 0;
  for (let ids = parts.next(); ids; ids = parts.next()) {
    requests += 1;
    if (refuses(ids)) parts.refuse(ids, 'no', named);
    else parts.polled(ids, true);
  }
  return requests;
}

describe('a refused batch', () => {
  it('costs one request when nothing is refused', () => {
    const allowance = { left: BISECTING_REQUESTS };
    const parts = new Bisection(batch, allowance);
    assert.equal(
      run(parts, () => false),
      1,
    );
    assert.deepEqual([parts.complete, parts.refused, parts.unpolled], [batch, [], []]);
    assert.equal(allowance.left, BISECTING_REQUESTS);
  });

  it('is polled but for the ids that are refused, whichever they are', () => {
    const refusedIds = fc.uniqueArray(fc.constantFrom(...batch), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(refusedIds, fc.boolean(), (refused, named) => {
        const allowance = { left: BISECTING_REQUESTS };
        const parts = new Bisection(batch, allowance);
        const requests = run(parts, (ids) => ids.some((id) => refused.includes(id)), named);
        assert.deepEqual(parts.refused.map(({ id }) => id).sort(), [...refused].sort());
        assert.deepEqual([...parts.complete].sort(), batch.filter((id) => !refused.includes(id)).sort());
        assert.deepEqual(parts.unpolled, []);
        assert.ok(requests <= 1 + 14 * refused.length, `${requests}`);
        assert.equal(allowance.left, BISECTING_REQUESTS - (requests - 1));
      }),
    );
  });

  it('is no id’s fault when every eighth is refused without a word on ids: 15 requests, and nothing is set aside', () => {
    const parts = new Bisection(batch, { left: BISECTING_REQUESTS });
    assert.equal(
      run(parts, () => true),
      15,
    );
    assert.deepEqual([parts.complete, parts.refused, parts.unpolled.flat().length], [[], [], 100]);
  });

  it('is all set aside when Twitch names the ids, and a lone id that was refused before', () => {
    const parts = new Bisection(batch, { left: BISECTING_REQUESTS });
    assert.equal(
      run(parts, () => true, true),
      199,
    );
    assert.equal(parts.refused.length, 100);
    const alone = new Bisection(['7'], { left: 0 }, true);
    run(alone, () => true);
    assert.deepEqual(alone.refused, [{ id: '7', reason: 'no' }]);
    const unproven = new Bisection(['7'], { left: BISECTING_REQUESTS });
    run(unproven, () => true);
    assert.deepEqual([unproven.refused, unproven.unpolled], [[], [['7']]]);
  });

  it('stops at the poll’s allowance, whatever Twitch refuses, and each poll finds more of many refused ids', () => {
    const allowance = { left: BISECTING_REQUESTS };
    let requests = 0;
    for (let no = 0; no < 1_000; no++) requests += run(new Bisection(batch, allowance), () => true);
    assert.ok(requests <= 1_000 + BISECTING_REQUESTS, `${requests}`);

    // Side by side, as in a poll: 50 batches with one refused id each.
    let left = Array.from({ length: 50 }, () => batch);
    let polls = 0;
    while (left.length > 0) {
      polls += 1;
      const spare = { left: BISECTING_REQUESTS };
      let asking = left.map((ids) => new Bisection(ids, spare));
      const found: Bisection[] = [];
      while (asking.length > 0) {
        asking = asking.filter((parts) => {
          const ids = parts.next();
          if (!ids) found.push(parts);
          else if (ids.includes('63')) parts.refuse(ids, 'no', false);
          else parts.polled(ids, true);
          return ids !== undefined;
        });
      }
      left = left.slice(found.filter(({ refused }) => refused.length > 0).length);
      assert.ok(polls <= 3, `${left.length} are left`);
    }
  });

  it('deals with every id once, whatever is answered', () => {
    const answers = fc.infiniteStream(fc.constantFrom('polled', 'incomplete', 'refused', 'named', 'failed'));
    fc.assert(
      fc.property(answers, fc.integer({ min: 0, max: 60 }), (given, left) => {
        const parts = new Bisection(batch, { left });
        const incomplete: string[] = [];
        for (let ids = parts.next(); ids; ids = parts.next()) {
          const answer = given.next().value;
          if (answer === 'failed') parts.fail(ids);
          else if (answer === 'polled') parts.polled(ids, true);
          else if (answer === 'incomplete') {
            parts.polled(ids, false);
            incomplete.push(...ids);
          } else parts.refuse(ids, 'no', answer === 'named');
        }
        const all = [...parts.complete, ...incomplete, ...parts.refused.map(({ id }) => id), ...parts.unpolled.flat()];
        assert.deepEqual(all.sort(), [...batch].sort());
      }),
    );
  });
});

describe('a refusal', () => {
  it('names the ids, or something else', () => {
    const ofIds = [
      'The parameter "user_id" was malformed: the value must match the regular expression /^[0-9]*$/',
      'The parameter "game_id" was malformed: the value must match the regular expression /^[0-9]*$/',
      'Invalid username(s), email(s), or ID(s). Bad Identifiers.',
      'Invalid login names, emails or IDs in request',
    ];
    for (const message of ofIds) assert.ok(namesIds(`GET https://x/streams answered 400: ${message}`), message);
    for (const message of ['', 'Client ID is missing', 'invalid client id', 'Invalid cursor']) {
      assert.ok(!namesIds(message), message);
    }
  });
});
