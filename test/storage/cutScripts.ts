import { type StoreConnection, scripts } from '../../src/storage/dragonfly.ts';
import { connect } from './support.ts';

/** As Dragonfly 1.40 says it when a write inside a script finds no memory; what was written before stays. */
export const outOfMemory = (script: string) =>
  `ERR Error running script (call to f_${script}): @user_script:124: -ERR Out of memory`;

const WRITES = ['SET', 'HSET', 'HDEL', 'ZADD', 'ZREM', 'PEXPIRE', 'DEL', 'HINCRBY', 'INCR', 'UNLINK', 'ZREMRANGEBYLEX'];

const READS = [
  'GET',
  'MGET',
  'HGET',
  'HMGET',
  'HLEN',
  'HEXISTS',
  'ZSCORE',
  'ZMSCORE',
  'ZCARD',
  'ZLEXCOUNT',
  'ZRANGEBYLEX',
  'ZRANGEBYSCORE',
  'ZRANGE',
];

/** The text of a script that fails as Dragonfly does when it comes to its n-th write (from 0) and no memory is left. */
function cutAt(script: string, text: string, write: number): string {
  const names = WRITES.map((name) => `${name} = true`).join(', ');
  return `
local server, cutWrites, cutWritten = redis, {${names}}, 0
local redis = {call = function(name, ...)
  if cutWrites[string.upper(name)] then
    if cutWritten == ${write} then error({err = '${outOfMemory(script)}'}) end
    cutWritten = cutWritten + 1
  end
  return server.call(name, ...)
end}
${text}`;
}

/** A connection on which each call of each script ends at its n-th write, unless it has fewer. */
export async function openCut(url: string, write: number): Promise<StoreConnection> {
  return connect(url, { scripts: eachScript((name, lua) => cutAt(name, lua, write)) });
}

/** The scripts with other texts. */
export function eachScript(change: (name: string, lua: string) => string): typeof scripts {
  const changed = Object.entries(scripts).map(([name, script]) => [name, { ...script, lua: change(name, script.lua) }]);
  return Object.fromEntries(changed);
}

/** The scripts that write. */
export function writingScripts(): string[] {
  const writes = ({ lua }: { lua: string }) => commandsOf(lua).some((name) => WRITES.includes(name));
  return Object.entries(scripts).flatMap(([name, script]) => (writes(script) ? [name] : []));
}

/** The commands in the scripts that are neither known as writing, which a cut would let pass, nor as reading. */
export function uncutCommands(): string[] {
  const called = Object.values(scripts).flatMap(({ lua }) => commandsOf(lua));
  return [...new Set(called)].filter((name) => !WRITES.includes(name) && !READS.includes(name));
}

function commandsOf(lua: string): string[] {
  return [...lua.matchAll(/redis\.p?call\(\s*'(\w+)'/g)].map(([, name = '']) => name.toUpperCase());
}

/**
 * The scripts as Dragonfly's Lua 5.4 runs them, as far as a server with 5.1 can show it: tables have no order, so that
 * `cjson.encode` writes another text each time; what text becomes of a number depends on whether it
 * is whole, so that commands are only given small literal ones, and what a script returns is whole.
 */
export function asDragonfly(text: string): string {
  return `
local server, encoder = redis, cjson
math.randomseed(tonumber(server.call('TIME')[2]))
local function check(value, what, most)
  if type(value) == 'number' and (value % 1 ~= 0 or math.abs(value) > most) then
    error(what .. ' is the number ' .. tostring(value))
  end
  if type(value) == 'table' then
    for _, inner in ipairs(value) do check(inner, what, most) end
  end
end
local redis = {call = function(...)
  for i = 1, select('#', ...) do check(select(i, ...), 'argument ' .. i, 10) end
  return server.call(...)
end}
local cjson = {decode = encoder.decode, encode = function(object)
  local parts = {}
  for key, value in pairs(object) do
    table.insert(parts, math.random(#parts + 1), encoder.encode(key) .. ':' .. encoder.encode(value))
  end
  return '{' .. table.concat(parts, ',') .. '}'
end}
local function script()
${text}
end
local result = script()
check(result, 'the result', 2147483647)
return result`;
}
