-- Adds to the slots that a moment falls into, one in each series. Safe to run twice: a slot knows how far each writer came.
--
-- KEYS  the series: hashes, place in the ring -> slot, as JSON
-- ARGV  1 the writer, 2 the number of its note, 3 the note as JSON: {add = {…}, most = {…}, last = {…}};
--       then for each series: the place in the ring, when the slot began (ms)

local MOST_WRITERS = 32
local writer, number = ARGV[1], tonumber(ARGV[2])
local note = cjson.decode(ARGV[3])

-- A slot of an earlier round, or one that can't be read, makes room for a new one.
local function readSlot(text, began)
  if text then
    local good, slot = pcall(cjson.decode, text)
    if good and type(slot) == 'table' and slot.at == began and type(slot.by) == 'table' then
      return slot
    end
  end
  return { at = began, by = {} }
end

local function numberOf(value)
  return type(value) == 'number' and value or 0
end

local function amongWriters(slot)
  local writers = 0
  for _ in pairs(slot.by) do
    writers = writers + 1
  end
  if writers >= MOST_WRITERS and not slot.by[writer] then
    slot.by = {}
  end
  slot.by[writer] = number
end

for i, key in ipairs(KEYS) do
  local place, began = ARGV[2 + 2 * i], tonumber(ARGV[3 + 2 * i])
  local slot = readSlot(redis.call('HGET', key, place), began)
  if numberOf(slot.by[writer]) < number then
    amongWriters(slot)
    for name, value in pairs(note.add) do
      slot[name] = numberOf(slot[name]) + value
    end
    for name, value in pairs(note.most) do
      slot[name] = math.max(numberOf(slot[name]), value)
    end
    for name, value in pairs(note.last) do
      slot[name] = value
    end
    redis.call('HSET', key, place, cjson.encode(slot))
  end
end
return 1
