-- Makes users dormant that are no longer hot. Safe to run twice.
--
-- KEYS  1 hot users, 2 until when they are hot
-- ARGV  1 now (ms), 2 at most so many
-- Returns how many it were

local ids = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', ARGV[1], 'LIMIT', 0, ARGV[2])
for _, id in ipairs(ids) do
  redis.call('ZREM', KEYS[1], id)
  redis.call('ZREM', KEYS[2], id)
end
return #ids
