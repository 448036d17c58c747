-- Renews the claims of an owner before it publishes, so that two owners never publish the same stream.
-- A mark that is gone (lease over, store lost) or `known` (suppressed after a loss by a poll that could not know
-- of this claim) is claimed again: its event exists only in the owner's history. Safe to run twice.
--
-- KEYS  the marks
-- ARGV  1 owner, 2 lease (ms)
-- Returns 1 for each mark that the owner holds now, 0 for each that is announced or another owner's

local claim = 'claim:' .. ARGV[1]
local held = {}
for i, key in ipairs(KEYS) do
  local mark = redis.call('GET', key)
  if not mark or mark == claim or mark == 'known' or mark == 'silent' then
    redis.call('SET', key, claim, 'PX', ARGV[2])
    held[i] = 1
  else
    held[i] = 0
  end
end
return held
