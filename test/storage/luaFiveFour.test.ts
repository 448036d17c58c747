import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type StoreConnection, scripts } from '../../src/storage/dragonfly.ts';
import { storeOn } from '../../src/storage/store.ts';
import { randomPrefix, redis } from '../support/services.ts';
import { asDragonfly, eachScript } from './cutScripts.ts';
import { contents, OPERATIONS } from './operations.ts';
import { connect } from './support.ts';

/** What Lua 5.1 has and 5.4 does not, and what no server promises. */
const MISSING =
  /\b(unpack|loadstring|setfenv|getfenv|table\.getn|table\.maxn|math\.pow|math\.ldexp|string\.gfind)\b|\bredis\.pcall\b/;

describe('the scripts in a Lua 5.4', () => {
  let plain: StoreConnection;
  let other: StoreConnection;
  before(async () => {
    const { url } = await redis();
    plain = await connect(url);
    other = await connect(url, { scripts: eachScript((_, lua) => asDragonfly(lua)) });
  });
  after(() => {
    plain?.disconnect();
    other?.disconnect();
  });

  for (const [name, { lua }] of Object.entries(scripts)) {
    it(`${name} calls nothing that is not there`, () => {
      assert.doesNotMatch(lua.replace(/--.*/g, ''), MISSING);
    });
  }

  for (const { name, prepare, act, essence = (result: unknown) => result } of OPERATIONS) {
    it(`do the same, whatever order its tables have: ${name}`, async () => {
      const outcome = async (connection: StoreConnection) => {
        const prefix = randomPrefix();
        const store = storeOn(connection, prefix);
        await prepare(store);
        return { result: essence(await act(store)), is: await contents(plain, prefix) };
      };
      assert.deepEqual(await outcome(other), await outcome(plain));
    });
  }
});
