import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { pino } from 'pino';
import { Secret } from '../../src/config/secret.ts';
import { connectDragonfly, type Dragonfly, scripts, waitUntilReady } from '../../src/storage/dragonfly.ts';
import { randomPrefix, redis } from '../support/services.ts';
import { asDragonfly } from './cutScripts.ts';
import { contents, OPERATIONS, storeOn } from './operations.ts';

/** What Lua 5.1 has and 5.4 does not, and what no server promises. */
const MISSING =
  /\b(unpack|loadstring|setfenv|getfenv|table\.getn|table\.maxn|math\.pow|math\.ldexp|string\.gfind)\b|\bredis\.pcall\b/;

describe('the scripts in a Lua 5.4', () => {
  let plain: Dragonfly;
  let other: Dragonfly;
  before(async () => {
    const { url } = await redis();
    const open = (given: typeof scripts) =>
      connectDragonfly({ url: new Secret(url), logger: pino({ level: 'silent' }), scripts: given });
    plain = open(scripts);
    other = open(
      Object.fromEntries(
        Object.entries(scripts).map(([name, script]) => [name, { ...script, lua: asDragonfly(script.lua) }]),
      ),
    );
    assert.ok((await waitUntilReady(plain, 5_000)) && (await waitUntilReady(other, 5_000)));
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
      const outcome = async (connection: Dragonfly) => {
        const prefix = randomPrefix();
        const store = storeOn(connection, prefix);
        await prepare(store);
        return { result: essence(await act(store)), is: await contents(plain, prefix) };
      };
      assert.deepEqual(await outcome(other), await outcome(plain));
    });
  }
});
