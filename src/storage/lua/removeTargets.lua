-- Removes targets, and from the live set the streams that no other target shows. Safe to run twice, and after any of its
-- writes: a target goes when all that it led to has gone.
--
-- KEYS  1 targets, 2 when they were added, 3 live set, 4 index of live users by game, 5 the game targets, 6 hot users,
--       7 until when they are hot, 8 where those come from that the settings name (see TargetSource in targets.ts)
-- ARGV  1 kind (user or game), 2 who removes them: client, or settings when they name them no longer, 3… ids
-- Returns how many there were

local kind, live, index = ARGV[1], KEYS[3], KEYS[4]
local named, bySettings = KEYS[8], ARGV[2] == 'settings'
local gone = 0

-- include entries.lua

local function forgetUser(userId)
  local entry, about = readEntry(userId)
  if not entry then
    return
  end
  local member = indexKey(entry.gameId, userId)
  if redis.call('ZSCORE', KEYS[5], entry.gameId) then
    -- From now on only the game leads to it.
    redis.call('ZADD', index, 0, member)
    entry.byUser = false
    writeEntry(userId, entry, about)
  else
    redis.call('ZREM', index, member)
    redis.call('HDEL', live, userId)
  end
end

local function forgetGame(gameId)
  for _, member in ipairs(placesOf(gameId)) do
    local userId = string.sub(member, #gameId + 2)
    local entry = readEntry(userId)
    local here = entry and entry.gameId == gameId
    if here and not entry.byUser then
      redis.call('HDEL', live, userId)
    end
    if not here or not entry.byUser then
      redis.call('ZREM', index, member)
    end
  end
end

local function forget(id)
  if kind == 'user' then
    forgetUser(id)
    redis.call('ZREM', KEYS[6], id)
    redis.call('ZREM', KEYS[7], id)
  else
    forgetGame(id)
  end
  gone = gone + redis.call('ZREM', KEYS[1], id)
  redis.call('HDEL', KEYS[2], id)
end

for i = 3, #ARGV do
  local id = ARGV[i]
  local state = redis.call('HGET', named, id)
  if not bySettings then
    -- First, so that the settings do not bring back what this removes.
    if state then
      redis.call('HSET', named, id, 'removed')
    end
    forget(id)
  elseif state then
    -- What the client added too stays, as the client's alone.
    if state ~= 'both' then
      forget(id)
    end
    redis.call('HDEL', named, id)
  end
end
return gone
