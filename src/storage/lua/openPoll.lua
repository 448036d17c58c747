-- Opens a poll: gives it its number, and tells whether the store has lost what an earlier poll wrote.
-- Safe to run twice for the same poll, and after any of its writes.
--
-- The store counts openings and comparisons (`version`). It only grows, whatever clocks do, so that a store whose count is
-- below one that somebody has seen has come back empty or from a snapshot.
--
-- KEYS  1 meta
-- ARGV  1 poll id, 2 this poll's start (ms), 3 the greatest version that the last finished poll saw (0: unknown),
--       4 that poll's start (ms) if its version is unknown, else 0,
--       5 streams that started before this (ms) are suppressed if state was lost, 6 until when that holds (ms)
-- Returns {state was lost (0 or 1), the poll's number}

local meta = KEYS[1]
local poll, seen, lastAt = ARGV[1], tonumber(ARGV[3]), tonumber(ARGV[4])
local version = tonumber(redis.call('HGET', meta, 'version') or '0')
local lastPollAt = tonumber(redis.call('HGET', meta, 'lastPollAt') or '0')

if version < seen or lastPollAt < lastAt then
  redis.call('HSET', meta, 'silentBefore', ARGV[5], 'silentUntil', ARGV[6], 'lossFoundBy', poll)
end
if version < seen then
  -- A number that was given out before the loss is not given out again.
  redis.call('HSET', meta, 'version', ARGV[3])
end
redis.call('HSET', meta, 'lastPollAt', ARGV[2])
local number = redis.call('HINCRBY', meta, 'version', 1)

local lost = redis.call('HGET', meta, 'lossFoundBy') == poll and 1 or 0
return {lost, number}
