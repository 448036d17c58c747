-- Compares streams that a poll saw with the live set and the marks, claims the new ones for this diff, and counts a
-- miss for every live stream that a complete batch did not show. Safe to run twice for the same diff.
--
-- KEYS  1 meta, 2 live set (user id -> entry), 3 index of live users by game, 4 when user targets were added,
--       5 when game targets were added, 6 hot users, 7 until when they are hot,
--       8… the mark of each stream, in the order of ARGV[3…]
-- ARGV  1 context, 2 {users, games}: targets whose batch is complete, 3… streams
--       (context and streams are JSON objects: see DiffContext and StagedStream in streams.ts)
-- Returns {'LOST'} if the store has lost this poll, else
--         {'OK', streams handled, taken in silently, ended, size of the live set, {index, reason, index, reason, …}};
--         fewer streams than given are handled when the claimed ones would not fit into context.claimBytes.

local meta, live, index, addedUsers, addedGames = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local hot, hotUntil = KEYS[6], KEYS[7]
local FIRST_MARK, FIRST_STREAM = 8, 3
local context = cjson.decode(ARGV[1])
local absent = cjson.decode(ARGV[2])

if tonumber(redis.call('HGET', meta, 'lastPollAt') or '0') < context.pollAt then
  return {'LOST'}
end

local silentBefore = 0
if tonumber(redis.call('HGET', meta, 'silentUntil') or '0') > context.now then
  silentBefore = tonumber(redis.call('HGET', meta, 'silentBefore'))
end

local ended = 0

local function indexKey(gameId, userId)
  return gameId .. '\31' .. userId
end

local function remove(userId, entry)
  redis.call('HDEL', live, userId)
  redis.call('ZREM', index, indexKey(entry.gameId, userId))
  ended = ended + 1
end

local function readEntry(userId)
  local text = redis.call('HGET', live, userId)
  return text and cjson.decode(text)
end

local function writeEntry(userId, entry)
  redis.call('HSET', live, userId, cjson.encode(entry))
end

local function keepLive(stream, kind)
  local old = readEntry(stream.userId)
  local same = old and old.streamId == stream.id
  -- A slow poll may bring the user's previous stream after a later poll has brought the new one.
  if old and not same and old.pollAt > context.pollAt then
    return
  end
  if old and (old.gameId ~= stream.gameId or not same) then
    redis.call('ZREM', index, indexKey(old.gameId, stream.userId))
    if not same then
      ended = ended + 1
    end
  end
  redis.call('ZADD', index, 0, indexKey(stream.gameId, stream.userId))
  if kind == 'user' then
    redis.call('ZADD', hot, 0, stream.userId)
    redis.call('ZADD', hotUntil, context.hotUntil, stream.userId)
  end
  writeEntry(stream.userId, {
    streamId = stream.id,
    userLogin = stream.userLogin,
    gameId = stream.gameId,
    title = stream.title,
    startedAt = stream.startedAt,
    startedMs = stream.startedMs,
    seenMs = context.now,
    byUser = kind == 'user' or (old and old.byUser) or false,
    poll = context.poll,
    pollAt = context.pollAt,
    misses = 0,
    missPoll = '',
  })
end

-- The reason to announce a stream without a mark, or nil and the mark that takes it in without a message.
local function judge(stream, kind)
  if stream.startedMs < silentBefore then
    return nil, 'known'
  end
  local added
  if kind == 'user' then
    added = redis.call('HGET', addedUsers, stream.userId)
  else
    added = redis.call('HGET', addedGames, stream.gameId)
  end
  if stream.startedMs < tonumber(added or '0') then
    if context.firstSight == 'silent' then
      return nil, 'silent'
    end
    return 'first_sight'
  end
  if kind == 'game' and stream.startedMs < context.enteredBefore then
    return 'entered_game'
  end
  return 'started'
end

local claimed, claimedBytes, silent, handled = {}, 0, 0, 0
local ownClaim = 'claim:' .. context.owner

for i = 1, #ARGV - FIRST_STREAM + 1 do
  local text = ARGV[FIRST_STREAM + i - 1]
  local markKey = KEYS[FIRST_MARK + i - 1]
  local stream = cjson.decode(text)
  local mark = redis.call('GET', markKey)
  local reason, quietMark
  if not mark or mark == 'silent' or mark == ownClaim then
    reason, quietMark = judge(stream, stream.kind)
  end
  if reason then
    claimedBytes = claimedBytes + #text
    if claimedBytes > context.claimBytes and #claimed > 0 then
      break
    end
    redis.call('SET', markKey, ownClaim, 'PX', context.leaseMs)
    claimed[#claimed + 1] = i - 1
    claimed[#claimed + 1] = reason
  elseif quietMark and not mark then
    redis.call('SET', markKey, quietMark, 'PX', context.markMs)
    silent = silent + 1
  elseif mark == 'announced' or mark == 'known' or mark == 'silent' then
    redis.call('PEXPIRE', markKey, context.markMs)
  end
  keepLive(stream, stream.kind)
  handled = i
end

local function countMiss(userId, entry)
  -- Seen by this poll through another target, or by a poll that began later.
  if entry.poll == context.poll or entry.pollAt > context.pollAt or entry.missPoll == context.poll then
    return
  end
  entry.misses = entry.misses + 1
  entry.missPoll = context.poll
  if entry.misses >= context.offlineAfterMisses then
    remove(userId, entry)
  else
    writeEntry(userId, entry)
  end
end

if handled == #ARGV - FIRST_STREAM + 1 then
  for _, userId in ipairs(absent.users) do
    local entry = readEntry(userId)
    if entry then
      countMiss(userId, entry)
    end
  end
  for _, gameId in ipairs(absent.games) do
    local from, to = '[' .. gameId .. '\31', '[' .. gameId .. '\31\255'
    for _, member in ipairs(redis.call('ZRANGEBYLEX', index, from, to)) do
      local userId = string.sub(member, #gameId + 2)
      local entry = readEntry(userId)
      -- A stream that its user target shows has not ended because it is missing from a game's list.
      if entry and not entry.byUser then
        countMiss(userId, entry)
      end
    end
  end
end

return {'OK', handled, silent, ended, redis.call('HLEN', live), claimed}
