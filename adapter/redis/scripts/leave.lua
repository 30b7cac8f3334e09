-- Take back an entry: a node's own, that of a dead node, or a hold that is due. Tell what that changes. Idempotent.
--
-- KEYS[1-3], ARGV[1-4]  see _write.lua
-- KEYS[4]  claims, in this shard, of the node whose entry it is (hash)
-- KEYS[5]  state of the topic, KEYS[6] roster, KEYS[7] occupied topics: see enter.lua
-- KEYS[8]  holds of this shard (sorted set: claim, scored by when it is due in milliseconds)
-- KEYS[9]  what is held back (sorted set): see _outbox.lua
-- ARGV[5]  claim, ARGV[6] who: see enter.lua
-- ARGV[7]  milliseconds for which the entry becomes a hold; 0: not at all; "due": it is the hold that ends, if due
-- ARGV[8], [9]  kind and fields, in msgpack, of "left" and "vacated"
-- ARGV[10] which notices are wanted, beside what the topic's state says: see enter.lua
-- ARGV[11] milliseconds for which they are held back
-- returns  {verdict, epoch, stored number}
local function is_given_up()
  local now = redis.call('TIME')
  now = tonumber(now[1]) * 1000 + math.floor(tonumber(now[2]) / 1000)
  local due = tonumber(redis.call('ZSCORE', KEYS[8], ARGV[5]) or nil)
  if ARGV[7] == 'due' then
    if not due or due > now then
      return false
    end
    redis.call('ZREM', KEYS[8], ARGV[5])
    return true
  end
  if redis.call('HEXISTS', KEYS[4], ARGV[5]) == 0 then
    return false
  end
  redis.call('HDEL', KEYS[4], ARGV[5])
  if ARGV[7] == '0' then
    return true
  end
  -- The entry turns into a hold: one holder as before. Where there is a hold already, it is one less.
  redis.call('ZADD', KEYS[8], math.max(due or 0, now + tonumber(ARGV[7])), ARGV[5])
  return due ~= nil
end

-- Hold back a notice: who comes back soon undoes it (enter.lua).
local function finish(kind, user)
  redis.call('ZADD', KEYS[9], now_ms() + tonumber(ARGV[11]), held_back(kind, topic, user))
end

if not is_repeat then
  local numbers = redis.call('HMGET', KEYS[5], 'whos', 'subscriptions', 'h' .. ARGV[6], 'wants')
  local wants = bit.bor(tonumber(ARGV[10]), tonumber(numbers[4]) or 0)
  local whos, subscriptions, holders = tonumber(numbers[1]), tonumber(numbers[2]) or 0, tonumber(numbers[3])
  local is_empty = false
  if is_given_up() and holders then
    if holders > 1 then
      redis.call('HINCRBY', KEYS[5], 'h' .. ARGV[6], -1)
    else
      redis.call('HDEL', KEYS[5], 'h' .. ARGV[6])
      redis.call('HINCRBY', KEYS[5], 'whos', -1)
      if string.sub(ARGV[6], 1, 1) == '=' then
        redis.call('HDEL', KEYS[6], string.sub(ARGV[6], 2))
        redis.call('HINCRBY', KEYS[5], 'members', -1)
        redis.call('HSET', KEYS[5], 'version', string.format('%.0f', announce(ARGV[8])))
        if bit.band(wants, 2) == 2 then
          finish('left', string.sub(ARGV[6], 2))
        end
      end
      if whos == 1 then
        redis.call('SREM', KEYS[7], topic)
        announce(ARGV[9])
        if bit.band(wants, 1) == 1 then
          finish('vacated', '')
        end
        is_empty = subscriptions == 0
      end
    end
  end
  commit()
  if is_empty then
    redis.call('DEL', KEYS[5])
  end
end
return {1, meta[1], stored}
