-- State how many subscriptions a node has to a topic. Idempotent.
--
-- KEYS[1-3], ARGV[1-4]  see _write.lua
-- KEYS[4]  claims of the node in this shard (hash; its name ends with the boot), KEYS[5] state of the topic: see enter.lua
-- ARGV[5]  claim that stands for the number
-- ARGV[6]  the number
-- ARGV[7]  kind "counted", in msgpack; empty if nobody is to be told
-- returns  {verdict, epoch, stored number}
if not is_repeat then
  local field = 'c' .. string.match(KEYS[4], '[^:]*$')
  local numbers = redis.call('HMGET', KEYS[5], 'whos', 'subscriptions', field)
  local whos, total, own = tonumber(numbers[1]) or 0, tonumber(numbers[2]) or 0, tonumber(numbers[3]) or 0
  local now = tonumber(ARGV[6])
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
  end
  commit()
  if whos == 0 and total == 0 then
    redis.call('DEL', KEYS[5])
  end
end
return {1, meta[1], stored}
