-- How notices are kept (see adapter/outbox.py). Put in front of the scripts that keep some.
--
-- The outbox is a stream with one consumer group, "nodes"; an entry that was dealt with is deleted. Fields: t topic,
-- k kind, u user, p payload, and, where they differ from what the entry's id says: a milliseconds, i id, e for whom.
-- What is held back is in a sorted set, scored by the milliseconds when it is due; each member is text, parted by zero
-- bytes: kind, topic, user; or "again", the entry's id, and its fields in msgpack.
local function now_ms()
  local now = redis.call('TIME')
  return tonumber(now[1]) * 1000 + math.floor(tonumber(now[2]) / 1000)
end

-- Keep a notice, unless there are `most` of them. Only these keys are touched: the stream, the meta of the shard.
local function keep(outbox, meta_key, most, ...)
  if redis.call('XLEN', outbox) >= tonumber(most) then
    redis.call('HINCRBY', meta_key, 'dropped', 1)
  else
    redis.call('XADD', outbox, '*', ...)
  end
end

local function held_back(kind, about, user)
  return kind .. '\0' .. about .. '\0' .. user
end
