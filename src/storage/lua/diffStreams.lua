-- Compares streams that a poll saw with the live set and the marks, claims the new ones for this diff, and counts a
-- miss for every live stream that a complete batch did not show. Safe to run twice for the same diff.
--
-- KEYS  1 meta, 2 live set (user id -> entry), 3 index of live users by game, 4 when user targets were added,
--       5 when game targets were added, 6 hot users, 7 until when they are hot, 8 user targets, 9 game targets,
--       10… the mark of each stream, in the order of ARGV[3…]
-- ARGV  1 context, 2 {users, games}: targets whose batch is complete (both JSON: see DiffContext in streams.ts),
--       3… seven for each stream: kind, id, user id, game id, start (ms), bytes of its event, about: what of it the
--       scripts only keep. Text of strangers is taken apart by nothing here.
-- Returns {'LOST'} if the store has lost this poll, else
--         {'OK', streams handled, suppressed, ended, size of the live set, {index, reason, index, reason, …},
--         version of the store (see openPoll.lua)};
--         fewer streams than given are handled when the claimed ones would not fit into context.claimBytes.
--
-- Any write may be the last (Dragonfly runs out of memory in the middle of a script, and keeps what was written), so
-- they stand in an order in which what follows can be made up for: by the next attempt, or by a later poll if there is none.

local meta, live, index, addedUsers, addedGames = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local hot, hotUntil = KEYS[6], KEYS[7]
local userTargets, gameTargets = KEYS[8], KEYS[9]
local FIRST_MARK, FIRST_STREAM, FIELDS = 10, 3, 7
local context = cjson.decode(ARGV[1])
local absent = cjson.decode(ARGV[2])

if tonumber(redis.call('HGET', meta, 'version') or '0') < context.seenVersion
  or tonumber(redis.call('HGET', meta, 'lastPollAt') or '0') < context.openedAt then
  return {'LOST'}
end
local version = redis.call('HINCRBY', meta, 'version', 1)

local silentBefore, silentExcept = 0, {}
if tonumber(redis.call('HGET', meta, 'silentUntil') or '0') > context.now then
  silentBefore = tonumber(redis.call('HGET', meta, 'silentBefore'))
  silentExcept = cjson.decode(redis.call('HGET', meta, 'silentExcept') or '[]')
end

local ended = 0

-- include entries.lua

local function keepLive(stream)
  local old = readEntry(stream.userId)
  local same = old and old.streamId == stream.id
  -- A slow poll may bring the user's previous stream after a later poll has brought the new one.
  if old and not same and old.pollNo > context.pollNo then
    return
  end
  redis.call('ZADD', index, 0, indexKey(stream.gameId, stream.userId))
  if stream.kind == 'user' then
    -- In this order: who is hot without an end would stay hot for ever.
    redis.call('ZADD', hotUntil, context.hotUntil, stream.userId)
    redis.call('ZADD', hot, 0, stream.userId)
  end
  writeEntry(stream.userId, {
    streamId = stream.id,
    gameId = stream.gameId,
    seenMs = context.now,
    byUser = stream.kind == 'user' or (old and old.byUser) or false,
    poll = context.poll,
    pollNo = context.pollNo,
    misses = 0,
    missPoll = '',
  }, stream.about)
  if old and old.gameId ~= stream.gameId then
    redis.call('ZREM', index, indexKey(old.gameId, stream.userId))
  end
  if old and not same then
    ended = ended + 1
  end
end

-- Whether the target that showed a stream is still there: it may have been removed since its page was asked for.
local function isWatched(stream)
  if stream.kind == 'user' then
    return redis.call('ZSCORE', userTargets, stream.userId)
  end
  return redis.call('ZSCORE', gameTargets, stream.gameId)
end

-- A time by which a stream's target had been polled: the one for all, or that of its range of targets if polls missed them.
local function timeFor(stream, all, exceptions)
  local target = stream.kind == 'user' and stream.userId or stream.gameId
  for _, range in ipairs(exceptions) do
    if range.kind == stream.kind and target >= range.first and target <= range.last and range.before < all then
      all = range.before
    end
  end
  return all
end

-- The reason to announce a stream without a mark, or nil and the mark of a stream that is suppressed.
local function judge(stream)
  if stream.startedMs < timeFor(stream, silentBefore, silentExcept) then
    return nil, 'known'
  end
  local added
  if stream.kind == 'user' then
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
  if stream.kind == 'game' and stream.startedMs < timeFor(stream, context.enteredBefore, context.except) then
    return 'entered_game'
  end
  return 'started'
end

local claimed, claimedBytes, silent, handled = {}, 0, 0, 0
local ownClaim = 'claim:' .. context.owner

local given = (#ARGV - FIRST_STREAM + 1) / FIELDS

for i = 1, given do
  local at = FIRST_STREAM + (i - 1) * FIELDS
  local stream = {
    kind = ARGV[at],
    id = ARGV[at + 1],
    userId = ARGV[at + 2],
    gameId = ARGV[at + 3],
    startedMs = tonumber(ARGV[at + 4]),
    about = ARGV[at + 6],
  }
  local markKey = KEYS[FIRST_MARK + i - 1]
  local mark = redis.call('GET', markKey)
  local watched = isWatched(stream)
  local reason, quietMark
  -- A retry gets its own claims back also when their target has gone since.
  if mark == ownClaim or watched and (not mark or mark == 'silent') then
    reason, quietMark = judge(stream)
  end
  if reason then
    claimedBytes = claimedBytes + tonumber(ARGV[at + 5])
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
  if watched then
    keepLive(stream)
  end
  handled = i
end

-- Whether the stream has ended; if not, its miss is noted.
local function missed(userId, entry, about)
  -- Seen by this poll through another target, or by a poll that began later.
  if entry.poll == context.poll or entry.pollNo > context.pollNo or entry.missPoll == context.poll then
    return false
  end
  entry.misses = entry.misses + 1
  entry.missPoll = context.poll
  if entry.misses >= context.offlineAfterMisses then
    ended = ended + 1
    return true
  end
  writeEntry(userId, entry, about)
  return false
end

-- The way to what is removed goes last: the entry where the user leads to it, its place in the index where the game does.
if handled == given then
  for _, userId in ipairs(absent.users) do
    local entry, about = readEntry(userId)
    if entry and missed(userId, entry, about) then
      redis.call('ZREM', index, indexKey(entry.gameId, userId))
      redis.call('HDEL', live, userId)
    end
  end
  for _, gameId in ipairs(absent.games) do
    for _, member in ipairs(placesOf(gameId)) do
      local userId = string.sub(member, #gameId + 2)
      local entry, about = readEntry(userId)
      if not entry or entry.gameId ~= gameId then
        -- Left by a script that could not finish.
        redis.call('ZREM', index, member)
      elseif not entry.byUser and missed(userId, entry, about) then
        -- A stream that its user target shows has not ended because it is missing from a game's list.
        redis.call('HDEL', live, userId)
        redis.call('ZREM', index, member)
      end
    end
  end
end

return {'OK', handled, silent, ended, redis.call('HLEN', live), claimed, version}
