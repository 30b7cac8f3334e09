-- State how many subscriptions a node has to a topic. Idempotent.
--
-- KEYS[1-3], ARGV[1-4]  see _write.lua
-- KEYS[4]  claims of the node in this shard (hash; its name ends with the boot), KEYS[5] state of the topic: see enter.lua
-- KEYS[6]  outbox of the shard (stream), KEYS[7] what is held back (sorted set): see _outbox.lua
-- ARGV[5]  claim that stands for the number
-- ARGV[6]  the number
-- ARGV[7]  kind "counted", in msgpack; empty if nobody is to be told
-- ARGV[8]  1 if a notice is wanted; 2 if the topic's state says (see enter.lua), for who can't know; else 0
-- ARGV[9]  number above which there is one in ARGV[10] milliseconds only
-- ARGV[11] the most notices that there may be
-- returns  {verdict, epoch, stored number}
-- Keep a notice of the number, or hold it back while the last one is recent and the number is large.
local function keep_count(total, last)
  local now, what = now_ms(), held_back('counted', topic, '')
  if total > tonumber(ARGV[9]) and last and now < last + tonumber(ARGV[10]) then
    redis.call('ZADD', KEYS[7], 'NX', last + tonumber(ARGV[10]), what)
    return
  end
  redis.call('ZREM', KEYS[7], what)
  keep(KEYS[6], KEYS[1], ARGV[11], 't', topic, 'k', 'counted', 'u', '', 'p', total)
  redis.call('HSET', KEYS[5], 'counted', now)
end

if not is_repeat then
  local field = 'c' .. string.match(KEYS[4], '[^:]*$')
  local numbers = redis.call('HMGET', KEYS[5], 'whos', 'subscriptions', field, 'wants', 'counted')
  local whos, total, own = tonumber(numbers[1]) or 0, tonumber(numbers[2]) or 0, tonumber(numbers[3]) or 0
  local now = tonumber(ARGV[6])
  local is_wanted = ARGV[8] == '1' or (ARGV[8] == '2' and bit.band(tonumber(numbers[4]) or 0, 4) == 4)
  total = total - own + now
  if now ~= own then
    if ARGV[7] ~= '' then
      announce(ARGV[7] .. cmsgpack.pack(total) .. '\192')
    end
    if now == 0 then
      redis.call('HDEL', KEYS[4], ARGV[5])
      redis.call('HDEL', KEYS[5], field)
    else
      redis.call('HSET', KEYS[4], ARGV[5], '1')
      redis.call('HSET', KEYS[5], field, now)
    end
    redis.call('HSET', KEYS[5], 'subscriptions', total)
    if is_wanted then
      keep_count(total, tonumber(numbers[5]))
    end
  end
  commit()
  if whos == 0 and total == 0 then
    redis.call('DEL', KEYS[5])
  end
end
return {1, meta[1], stored}
