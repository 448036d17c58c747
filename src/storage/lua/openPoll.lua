-- Opens a poll: notes that it began, and tells whether the store has lost what an earlier poll wrote.
-- Safe to run twice for the same poll.
--
-- KEYS  1 meta
-- ARGV  1 poll id, 2 this poll's start (ms), 3 the last finished poll's start (ms, 0: none known),
--       4 streams that started before this (ms) are taken in silently if state was lost, 5 until when that holds (ms)
-- Returns {state was lost (0 or 1), fingerprint of the target list last seeded from the settings or ''}

local meta = KEYS[1]
local poll, pollAt, lastAt = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local knownAt = tonumber(redis.call('HGET', meta, 'lastPollAt') or '0')

if lastAt > knownAt then
  redis.call('HSET', meta, 'silentBefore', ARGV[4], 'silentUntil', ARGV[5], 'lossFoundBy', poll)
  redis.call('HDEL', meta, 'seeded')
end
if pollAt > knownAt then
  redis.call('HSET', meta, 'lastPollAt', ARGV[2])
end

local lost = redis.call('HGET', meta, 'lossFoundBy') == poll and 1 or 0
return {lost, redis.call('HGET', meta, 'seeded') or ''}
