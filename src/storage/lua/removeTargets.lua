-- Removes targets, and from the live set the streams that no other target shows. Safe to run twice, and after any of its
-- writes: a target goes when all that it led to has gone.
--
-- KEYS  1 targets, 2 when they were added, 3 live set, 4 index of live users by game, 5 the game targets, 6 hot users,
--       7 until when they are hot
-- ARGV  1 kind (user or game), 2… ids
-- Returns how many there were

local kind, live, index = ARGV[1], KEYS[3], KEYS[4]
local gone = 0

-- As in diffStreams.lua.
local function readEntry(userId)
  local text = redis.call('HGET', live, userId)
  if not text then
    return nil
  end
  local at = string.find(text, '\n', 1, true) or #text + 1
  local good, entry = pcall(cjson.decode, string.sub(text, 1, at - 1))
  if not good or type(entry) ~= 'table' or not entry.gameId then
    redis.call('HDEL', live, userId)
    return nil
  end
  return entry, string.sub(text, at + 1)
end

local function forgetUser(userId)
  local entry, about = readEntry(userId)
  if not entry then
    return
  end
  local member = entry.gameId .. '\31' .. userId
  if redis.call('ZSCORE', KEYS[5], entry.gameId) then
    -- From now on only the game leads to it.
    redis.call('ZADD', index, 0, member)
    entry.byUser = false
    redis.call('HSET', live, userId, cjson.encode(entry) .. '\n' .. about)
  else
    redis.call('ZREM', index, member)
    redis.call('HDEL', live, userId)
  end
end

local function forgetGame(gameId)
  for _, member in ipairs(redis.call('ZRANGEBYLEX', index, '[' .. gameId .. '\31', '[' .. gameId .. '\31\255')) do
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

for i = 2, #ARGV do
  local id = ARGV[i]
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
return gone
