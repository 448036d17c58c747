import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { randomPrefix, redis } from '../support/services.ts';
import { openCut, uncutCommands, writingScripts } from './cutScripts.ts';
import { contents, OPERATIONS, storeOn } from './operations.ts';
import { openStore, type Store } from './support.ts';

const MOST_WRITES = 200;

/**
 * Dragonfly runs out of memory in the middle of a script, and what was written before stays. So every script is ended here
 * before each of its writes, and what an undisturbed run leaves has to come about all the same.
 */
describe('a script that ends before any of its writes', () => {
  let url: string;
  let opened: Store;
  before(async () => {
    ({ url } = await redis());
    opened = await openStore();
  });
  after(() => opened.connection.disconnect());

  it('is one whose writes this test knows', () => {
    assert.deepEqual(uncutCommands(), []);
  });

  const cutScripts = new Set<string>();
  for (const { name, prepare, act, essence = (result: unknown) => result } of OPERATIONS) {
    it(`is made up for by the next attempt: ${name}`, async (t) => {
      const prefix = randomPrefix();
      await prepare(storeOn(opened.connection, prefix));
      const undisturbed = essence(await act(storeOn(opened.connection, prefix)));
      const expected = { result: undisturbed, is: await contents(opened.connection, prefix) };

      let cuts = 0;
      for (; cuts < MOST_WRITES; cuts++) {
        const again = randomPrefix();
        const store = storeOn(opened.connection, again);
        await prepare(store);
        const cut = await openCut(url, cuts);
        const failure = await Promise.resolve(act(storeOn(cut, again))).then(
          () => undefined,
          (error: Error) => error.message,
        );
        cut.disconnect();
        if (failure === undefined) break;
        const [, script = failure] = /call to f_(\w+)\).*Out of memory/.exec(failure) ?? [];
        cutScripts.add(script);
        const result = essence(await act(store));
        assert.deepEqual(
          { result, is: await contents(opened.connection, again) },
          expected,
          `${script}, write ${cuts}`,
        );
      }
      t.diagnostic(`${cuts} cuts`);
    });
  }

  it('is every script that there is', () => {
    assert.deepEqual([...cutScripts].sort(), writingScripts().sort());
  });
});
