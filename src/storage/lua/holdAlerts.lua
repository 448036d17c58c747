-- Takes or renews the lease on alerts, and keeps what fires, for whoever holds it. Safe to run twice.
--
-- KEYS  1 lease, 2 what fires
-- ARGV  1 worker, 2 the lease's length (ms), 3 whether it may be taken when it is free (0 or 1),
--       4 what fires now ('': leave it as it is)
-- Returns {who holds the lease ('': nobody), what fires ('': nothing is known)}

local lease, troubles = KEYS[1], KEYS[2]
local worker = ARGV[1]

local holder = redis.call('GET', lease)
if holder == worker or (not holder and ARGV[3] == '1') then
  redis.call('SET', lease, worker, 'PX', ARGV[2])
  holder = worker
end
if holder == worker and ARGV[4] ~= '' then
  redis.call('SET', troubles, ARGV[4])
end
return {holder or '', redis.call('GET', troubles) or ''}
