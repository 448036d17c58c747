-- Removes targets, and from the live set the streams that no other target shows. Safe to run twice.
--
-- KEYS  1 targets, 2 when they were added, 3 live set, 4 index of live users by game, 5 the game targets, 6 hot users,
--       7 until when they are hot
-- ARGV  1 kind (user or game), 2… ids
-- Returns how many there were

local kind, live, index = ARGV[1], KEYS[3], KEYS[4]
local gone = 0

local function forget(userId, entry)
  redis.call('HDEL', live, userId)
  redis.call('ZREM', index, entry.gameId .. '\31' .. userId)
end

for i = 2, #ARGV do
  local id = ARGV[i]
  gone = gone + redis.call('ZREM', KEYS[1], id)
  redis.call('HDEL', KEYS[2], id)
  if kind == 'user' then
    redis.call('ZREM', KEYS[6], id)
    redis.call('ZREM', KEYS[7], id)
    local text = redis.call('HGET', live, id)
    if text then
      local entry = cjson.decode(text)
      if redis.call('ZSCORE', KEYS[5], entry.gameId) then
        entry.byUser = false
        redis.call('HSET', live, id, cjson.encode(entry))
      else
        forget(id, entry)
      end
    end
  else
    for _, member in ipairs(redis.call('ZRANGEBYLEX', index, '[' .. id .. '\31', '[' .. id .. '\31\255')) do
      local userId = string.sub(member, #id + 2)
      local text = redis.call('HGET', live, userId)
      local entry = text and cjson.decode(text)
      if entry and not entry.byUser then
        forget(userId, entry)
      end
    end
  end
end
return gone
