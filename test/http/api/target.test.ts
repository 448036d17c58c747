import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { StreamEvent } from '../../../src/poll/model.ts';
import { newReport } from '../../../src/poll/report.ts';
import { applySchedule, pauseSchedule } from '../../../src/temporal/schedule/actions.ts';
import { iso, NOON, stream } from '../../storage/support.ts';
import { eventually } from '../../support/services.ts';
import { apiServers } from './support.ts';

describe('the HTTP API: one target', () => {
  const serve = apiServers();
  /** Two polls have ended, the last a few seconds ago, with turns of two users. */
  const reportsWith = (rhythm: boolean, more: object = {}) =>
    [35_000, 5_000].map((agoMs, i) => ({
      ...newReport(`p${i}`, Date.now() - agoMs),
      ...(rhythm && { rhythm: { hot: 1, dormant: 9, dormantPerPoll: 2 } }),
      ...more,
    }));
  const secondsUntil = (at: string) => (Date.parse(at) - Date.now()) / 1_000;

  it('is polled next with the next poll, at its turn, or when it is tried again', async () => {
    const { store, call } = await serve();
    const users = Array.from({ length: 9 }, (_, i) => `4${i}`);
    await store.targets.add('user', users, NOON, 0);
    await store.targets.add('user', ['39']);
    await store.targets.add('game', ['7']);
    const of = async (path: string) => (await call('GET', `/targets/${path}`)).body;
    assert.deepEqual(
      (await of('user/40')).nextPoll,
      { why: 'next' },
      'nothing is known before the first poll has ended',
    );

    for (const report of reportsWith(false)) await store.polls.keepReport(report);
    const next = (await of('user/48')).nextPoll;
    assert.equal(next.why, 'next');
    assert.ok(Math.abs(secondsUntil(next.at) - 25) < 4, next.at);

    const turn = { startedAt: iso(NOON), after: '43', failed: false };
    const unpolled = [{ kind: 'user', first: '41', last: '42', targets: 2, sinceMs: NOON, missedMs: NOON }];
    for (const report of reportsWith(true, { turn, unpolled })) await store.polls.keepReport(report);
    const seconds = async (path: string) => {
      const { why, at } = (await of(path)).nextPoll;
      return [why, Math.round(secondsUntil(at) / 30)];
    };
    assert.deepEqual(await seconds('user/39'), ['next', 1], 'it was just added');
    assert.deepEqual(await seconds('game/7'), ['next', 1]);
    assert.deepEqual(await seconds('user/44'), ['turn', 1]);
    assert.deepEqual(await seconds('user/48'), ['turn', 3]);
    assert.deepEqual(await seconds('user/42'), ['turn', 5], 'past the end it goes on at the beginning');
    assert.equal((await of('user/42')).unreachedSince, iso(NOON));
    assert.equal((await of('user/43')).unreachedSince, undefined);

    await store.targets.refused.note('user', [{ id: '44', reason: 'Bad Identifiers.' }], [], Date.now());
    assert.deepEqual(await seconds('user/44'), ['again', 20]);
  });

  it('is not polled while polls are paused', async () => {
    const { store, call, client } = await serve({ temporal: true });
    assert.ok(client);
    await applySchedule(client, { intervalSeconds: 3_600 });
    await pauseSchedule(client, 'maintenance', 'stream-poller');
    await store.targets.add('user', ['1']);
    // The first answer does not wait long for Temporal.
    await eventually(async () =>
      assert.deepEqual((await call('GET', '/targets/user/1')).body.nextPoll, { why: 'paused' }),
    );
  });

  it('has its announcements, also behind a thousand others', async () => {
    const { store, call } = await serve();
    const event = (id: string, userId: string, gameId: string): StreamEvent => ({
      ...{ ...stream(id, userId), gameId },
      reason: 'started',
      detectedAt: iso(NOON),
    });
    await store.feed.note('claimed', [event('a', '11', '900')]);
    await store.feed.note('announced', [event('a', '11', '900')]);
    await store.feed.note('announced', [event('b', '12', '900')]);
    const others = Array.from({ length: 1_500 }, (_, i) => event(`o${i}`, `x${i}`, '11'));
    await store.feed.note('announced', others);
    const of = async (query: string) =>
      (await call('GET', `/announcements?${query}`)).body.announcements.map(
        ({ streamId, state }: Record<string, string>) => `${streamId} ${state}`,
      );
    assert.deepEqual(await of('user=11'), ['a announced']);
    assert.deepEqual(await of('game=900'), ['b announced', 'a announced']);
    assert.deepEqual(await of('user=12&game=11'), []);
    assert.equal((await of('game=11&limit=500')).length, 500);
    const first = (await call('GET', '/announcements?game=900&limit=1')).body;
    const second = (await call('GET', `/announcements?game=900&limit=5&before=${first.next}`)).body;
    assert.deepEqual([first.announcements[0].streamId, second.announcements[0].streamId], ['b', 'a']);
  });

  it('tells how often what is polled, in numbers and in words', async () => {
    const { store, call } = await serve();
    for (const report of reportsWith(true, { oldestTargetSeconds: 70 })) await store.polls.keepReport(report);
    const { polls, frequency } = (await call('GET', '/polls?limit=1')).body;
    assert.equal(polls.length, 1);
    assert.deepEqual(frequency, {
      everySeconds: 30,
      turns: { hot: 1, dormant: 9, withinSeconds: 150 },
      oldestSeconds: 70,
      words:
        'Polled every 30 s: all games, and 1 user live lately or just added; 9 other users by turns, ' +
        'each within 2 min 30 s. When the last poll ended, none had waited longer than 1 min 10 s.',
    });
  });
});
