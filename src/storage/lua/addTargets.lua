-- Adds targets that are not there yet, with the time of their addition. Safe to run twice.
--
-- KEYS  1 targets (sorted set, every score 0), 2 when they were added
-- ARGV  1 time of addition (ms), 2… ids
-- Returns how many were new

local new = 0
for i = 2, #ARGV do
  if redis.call('ZADD', KEYS[1], 'NX', 0, ARGV[i]) == 1 then
    redis.call('HSET', KEYS[2], ARGV[i], ARGV[1])
    new = new + 1
  end
end
return new
