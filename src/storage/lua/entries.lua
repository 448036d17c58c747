-- Entries of the live set, for scripts that name it `live` and the index of live users by game `index`.

local function indexKey(gameId, userId)
  return gameId .. '\31' .. userId
end

-- The places in the index that lead to a game's users, in the order of their ids.
local function placesOf(gameId)
  return redis.call('ZRANGEBYLEX', index, '[' .. gameId .. '\31', '[' .. gameId .. '\31\255')
end

-- An entry is what the scripts work with, as JSON, and behind a line break what they only keep. One that can't be read
-- is no entry: the next sight writes it anew.
local function readEntry(userId)
  local text = redis.call('HGET', live, userId)
  if not text then
    return nil
  end
  local at = string.find(text, '\n', 1, true) or #text + 1
  local good, entry = pcall(cjson.decode, string.sub(text, 1, at - 1))
  if not good or type(entry) ~= 'table' or not entry.gameId or not entry.pollNo then
    redis.call('HDEL', live, userId)
    return nil
  end
  return entry, string.sub(text, at + 1)
end

local function writeEntry(userId, entry, about)
  redis.call('HSET', live, userId, cjson.encode(entry) .. '\n' .. about)
end
