-- Adds targets that are not there yet, with the time of their addition. Safe to run twice, and after any of its writes:
-- a target is there when all that belongs to it is.
--
-- KEYS  1 targets (sorted set, every score 0), 2 when they were added, 3 hot users, 4 until when they are hot
-- ARGV  1 time of addition (ms), 2 until when they are hot (ms, 0: never, as games are), 3… ids
-- Returns how many were new

local hotUntil = tonumber(ARGV[2])
local new = 0
for i = 3, #ARGV do
  if not redis.call('ZSCORE', KEYS[1], ARGV[i]) then
    redis.call('HSET', KEYS[2], ARGV[i], ARGV[1])
    if hotUntil > 0 then
      redis.call('ZADD', KEYS[4], ARGV[2], ARGV[i])
      redis.call('ZADD', KEYS[3], 0, ARGV[i])
    end
    redis.call('ZADD', KEYS[1], 0, ARGV[i])
    new = new + 1
  end
end
return new
