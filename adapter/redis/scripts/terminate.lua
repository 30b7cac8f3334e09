-- Tell all nodes that watch a topic to end who entered it up to now; keep the command for who is cut off. Exactly once.
--
-- KEYS[1-3], ARGV[1-4]  see _write.lua
-- KEYS[4]  commands of the last minutes in this shard (sorted set: topic, scored by its time in seconds)
-- ARGV[5]  kind "terminated", in msgpack
-- ARGV[6]  seconds for which it is kept
-- returns  {verdict, epoch, stored number}
if not is_repeat then
  local now = redis.call('TIME')
  local at = tonumber(now[1]) + tonumber(now[2]) / 1000000
  announce(ARGV[5] .. '\203' .. struct.pack('>d', at) .. '\192')
  redis.call('ZADD', KEYS[4], string.format('%.6f', at), topic)
  redis.call('ZREMRANGEBYSCORE', KEYS[4], '-inf', string.format('%.6f', at - tonumber(ARGV[6])))
  redis.call('EXPIRE', KEYS[4], ARGV[6])
  commit()
end
return {1, meta[1], stored}
