import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import fc from 'fast-check';
import { pino } from 'pino';
import { compareLists, SettingsTargets } from '../../src/storage/settingsTargets.ts';
import { emptyStores, NOON, type Store, stream, TestPoll } from './support.ts';

const KEPT_MS = 10 * 60_000;

describe('targets from the settings', () => {
  const emptyStore = emptyStores();
  let store: Store;
  /** What the workers' clocks show; time in the store passes by itself, and a list's end is brought about by hand. */
  let elapsedMs = 0;
  let warnings: { users: string[]; games: string[]; workers: string[] }[] = [];
  beforeEach(() => {
    store = emptyStore();
    elapsedMs = 0;
    warnings = [];
  });

  const worker = (user: string[], game: string[] = []) => {
    const logger = pino({ level: 'warn' }, { write: (line: string) => void warnings.push(JSON.parse(line)) });
    return new SettingsTargets({ store, list: { user, game }, logger, elapsedMs: () => elapsedMs });
  };
  const users = () => store.targets.list('user', undefined, 100);
  const lists = async () => (await store.connection.smembers(store.keys.lists)).map((name) => store.keys.list(name));
  /** Lets the lists end after so long without a sign. */
  const leaveLists = async (ms: number) => {
    for (const key of await lists()) await store.connection.pexpire(key, ms);
  };
  /** All workers but those given are gone for so long that their lists are, and these have run for as long. */
  const tenMinutesLater = async (...running: SettingsTargets[]) => {
    await leaveLists(KEPT_MS / 2 + 1_000);
    for (const each of running) await each.sign();
    for (const key of await lists()) {
      if ((await store.connection.pttl(key)) < KEPT_MS - 5_000) await store.connection.del(key);
    }
    elapsedMs += KEPT_MS;
  };
  /** The worker runs alone, for as long as the lists of others are kept. */
  const takesOver = async (worker: SettingsTargets) => {
    await worker.apply(false);
    await tenMinutesLater(worker);
    await worker.apply(false);
  };

  it('are watched while a worker names them, and not when none has for ten minutes', async () => {
    const old = worker(['a', 'b'], ['g']);
    await old.apply(false);
    assert.deepEqual([await users(), await store.targets.list('game', undefined, 9)], [['a', 'b'], ['g']]);
    const edited = worker(['b', 'c']);
    await edited.apply(false);
    assert.deepEqual(await users(), ['a', 'b', 'c'], 'the old worker may still run');
    await tenMinutesLater(edited);
    await edited.apply(false);
    assert.deepEqual([await users(), await store.targets.list('game', undefined, 9)], [['b', 'c'], []]);
  });

  it('that leave take their live stream along, as those that the client removes', async () => {
    const poll = await TestPoll.open(store, NOON);
    const old = worker(['a', 'b']);
    await old.apply(false);
    await poll.announce({ watch: false, streams: [stream('s-a', 'a'), stream('s-b', 'b')] });
    await takesOver(worker(['b']));
    assert.deepEqual(Object.keys(await store.connection.hgetall(store.keys.live)), ['b']);
    assert.deepEqual(await store.targets.listHot(undefined, 9), ['b']);
  });

  it('stay when they leave the settings and the client added them too, before or after', async () => {
    await store.targets.add('user', ['before'], NOON);
    const old = worker(['before', 'after', 'alone']);
    await old.apply(false);
    await store.targets.add('user', ['after'], NOON);
    await takesOver(worker([]));
    assert.deepEqual(await users(), ['after', 'before']);
    assert.equal((await store.targets.named('user')).size, 0);
  });

  it('that the client removed come back neither by a restart nor by an edit, but by the client', async () => {
    const first = worker(['a', 'b']);
    await first.apply(false);
    await store.targets.remove('user', ['a']);
    await first.apply(false);
    await worker(['a', 'b']).apply(false);
    const edited = worker(['a', 'b', 'c']);
    await edited.apply(false);
    assert.deepEqual(await users(), ['b', 'c']);
    await tenMinutesLater(edited);
    await edited.apply(false);
    assert.deepEqual(await users(), ['b', 'c']);
    await store.targets.add('user', ['a'], NOON);
    await edited.apply(false);
    assert.deepEqual(await users(), ['a', 'b', 'c']);
  });

  it('that the client removed, and the settings named no longer for a while, are new when they are named again', async () => {
    await worker(['a']).apply(false);
    await store.targets.remove('user', ['a']);
    await takesOver(worker([]));
    await worker(['a']).apply(false);
    assert.deepEqual(await users(), ['a']);
  });

  it('of two workers with different lists are all watched, for as long as both run, and each tells of it once', async () => {
    const [one, other] = [worker(['a', 'b'], ['g']), worker(['b', 'c'], ['g'])];
    assert.equal(await compareLists(store), undefined);
    for (let round = 0; round < 3; round++) {
      for (const each of [one, other]) await each.apply(false);
      elapsedMs += KEPT_MS;
      assert.deepEqual(await users(), ['a', 'b', 'c']);
    }
    assert.deepEqual(
      warnings.map(({ users, games }) => [users.toSorted(), games]),
      Array(2).fill([['a', 'c'], []]),
    );
    const found = await compareLists(store);
    assert.deepEqual([found?.ids.user.sort(), found?.ids.game, found?.workers.length], [['a', 'c'], [], 2]);
  });

  it('do not differ when they stand in another order, nor from the list of a worker that has stopped', async () => {
    for (const list of [['a', 'b'], ['b', 'a'], ['a']]) await worker(list).apply(false);
    assert.equal(warnings.length, 1);
    await leaveLists(KEPT_MS - 2 * 60_000);
    await worker(['a', 'b']).sign();
    assert.equal(await compareLists(store), undefined);
  });

  it('stay when the store was away so long that the lists of all workers ended', async () => {
    const [one, other] = [worker(['a']), worker(['b'])];
    for (const each of [one, other]) await each.apply(false);
    await tenMinutesLater(one, other);
    await store.connection.del(await lists());
    // The other worker gives its next sign within half a minute.
    await one.apply(false);
    assert.deepEqual(await users(), ['a', 'b']);
    await other.apply(false);
    await tenMinutesLater(one, other);
    await one.apply(false);
    assert.deepEqual(await users(), ['a', 'b']);
  });

  it('come back after a loss of the store as watched before, and those that were added later do not', async () => {
    const one = worker(['a']);
    await one.apply(true);
    await worker(['a', 'b']).apply(false);
    const added = await store.connection.hgetall(store.keys.added('user'));
    assert.equal(added.a, '0');
    assert.ok(Math.abs(Date.now() - Number(added.b)) < 60_000);
  });

  it('may be thousands', async () => {
    const many = Array.from({ length: 12_000 }, (_, i) => `u${i}`);
    await worker(many).apply(false);
    const fewer = worker(many.slice(6_000));
    await fewer.apply(false);
    assert.equal(await store.targets.count('user'), 12_000);
    await tenMinutesLater(fewer);
    const startedMs = performance.now();
    await fewer.apply(false);
    assert.equal(await store.targets.count('user'), 6_000);
    assert.ok(performance.now() - startedMs < 5_000);
  });

  it('follow the table in docs/operations.md in any order of events', async () => {
    const IDS = ['a', 'b', 'c'];
    const anId = fc.constantFrom(...IDS);
    const anEvent = fc.oneof(
      fc.record({ do: fc.constant('edit' as const), list: fc.uniqueArray(anId) }),
      fc.record({ do: fc.constantFrom('add' as const, 'remove' as const), id: anId }),
      fc.record({ do: fc.constant('restart' as const) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(anEvent, { maxLength: 25 }), async (events) => {
        store = emptyStore();
        elapsedMs = 0;
        let list: string[] = [];
        // The table: what the client wants and what the settings name, for each id.
        const byClient = new Set<string>();
        const byHandGone = new Set<string>();
        let running = worker(list);
        await running.apply(false);
        for (const event of events) {
          if (event.do === 'edit' || event.do === 'restart') {
            list = event.do === 'edit' ? event.list : list;
            running = worker(list);
            await takesOver(running);
            for (const id of IDS) if (!list.includes(id)) byHandGone.delete(id);
          } else if (event.do === 'add') {
            await store.targets.add('user', [event.id], NOON);
            byClient.add(event.id);
            byHandGone.delete(event.id);
          } else {
            await store.targets.remove('user', [event.id]);
            byClient.delete(event.id);
            if (list.includes(event.id)) byHandGone.add(event.id);
          }
          const expected = IDS.filter((id) => byClient.has(id) || (list.includes(id) && !byHandGone.has(id)));
          assert.deepEqual(await users(), expected);
        }
      }),
      { numRuns: 60 },
    );
  });
});
