-- Adds targets that are not there yet, with the time of their addition. Safe to run twice, and after any of its writes:
-- a target is there when all that belongs to it is.
--
-- KEYS  1 targets (sorted set, every score 0), 2 when they were added, 3 hot users, 4 until when they are hot,
--       5 where those come from that the settings name: id -> state (see TargetSource in targets.ts)
-- ARGV  1 time of addition (ms), 2 until when they are hot (ms, 0: never, as games are), 3 who adds them (client or
--       settings), 4… ids
-- Returns how many were new

local hotUntil = tonumber(ARGV[2])
local bySettings = ARGV[3] == 'settings'
local anyNamed = bySettings or redis.call('HLEN', KEYS[5]) > 0
local new = 0

for i = 4, #ARGV do
  local id = ARGV[i]
  local there = redis.call('ZSCORE', KEYS[1], id)
  local state = anyNamed and redis.call('HGET', KEYS[5], id)
  local becomes = state
  if bySettings and not state then
    becomes = there and 'both' or 'settings'
  elseif bySettings and state == 'adding' then
    becomes = 'settings'
  elseif not bySettings and state then
    becomes = 'both'
  end
  if not there and not (bySettings and state == 'removed') then
    if bySettings and not state then
      -- When this is all that gets written, the next attempt must not take the target for the client's.
      redis.call('HSET', KEYS[5], id, 'adding')
    end
    redis.call('HSET', KEYS[2], id, ARGV[1])
    if hotUntil > 0 then
      redis.call('ZADD', KEYS[4], ARGV[2], id)
      redis.call('ZADD', KEYS[3], 0, id)
    end
    redis.call('ZADD', KEYS[1], 0, id)
    new = new + 1
  end
  if becomes ~= state then
    redis.call('HSET', KEYS[5], id, becomes)
  end
end
return new
