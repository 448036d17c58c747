import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Random } from '../../sandbox/twitch/random.ts';
import { World } from '../../sandbox/twitch/world.ts';
import { Truth } from './ledger/truth.ts';

describe('the truth', () => {
  const watching = () => {
    const world = new World(new Random(1));
    const truth = new Truth(world, { users: new Set(['1', '2']), games: new Set(['7']) });
    return { world, truth };
  };

  it('is what watched targets show, while they are watched', () => {
    const { world, truth } = watching();
    const both = world.goLive({ userId: '1', gameId: '7' });
    truth.watch(['user:1'], false);
    const removed = world.goLive({ userId: '2' });
    truth.watch(['user:2'], false);
    const unseen = world.goLive({ userId: '1', gameId: '8' });
    const sights = (id: string) =>
      truth.streams.get(id)?.sights.map(({ target, toMs }) => [target, Number.isFinite(toMs)]);
    assert.deepEqual(sights(both.id), [
      ['user:1', true],
      ['game:7', true],
    ]);
    assert.deepEqual(sights(removed.id), [['user:2', true]]);
    assert.deepEqual(sights(unseen.id), []);
    assert.equal(truth.goLives, 2);
    truth.watch(['user:2'], true);
    assert.deepEqual(sights(removed.id), [
      ['user:2', true],
      ['user:2', false],
    ]);
  });

  it('expects hostile text as a message may carry it', () => {
    const { world, truth } = watching();
    const shown = (title: string) => truth.streams.get(world.goLive({ userId: '1', title }).id)?.looks[0]?.title;
    assert.equal(shown('half \ud83d'), 'half \ufffd');
    assert.equal(shown('\udc00\u{1f600}'), '\ufffd\u{1f600}');
    assert.equal(shown('a\u0000b\r\nc\u202e'), 'a b  c ');
    assert.equal(shown(`${'x'.repeat(499)}\u{1f600}`), 'x'.repeat(499));
    assert.equal(shown('\u{1f600}'.repeat(400))?.length, 500);
  });
});
