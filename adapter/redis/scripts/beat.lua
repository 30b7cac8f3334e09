-- Note that a node is alive, and tell when each was heard last. Idempotent.
--
-- KEYS[1]  beats (sorted set: boot, scored by seconds of its last beat)
-- KEYS[2]  what nodes say of themselves (hash: boot to JSON)
-- KEYS[3]  number of the boot's last write in the first shard: see _write.lua
-- ARGV[1]  the boot
-- ARGV[2]  what it says of itself
-- ARGV[3-] boots of the peers that it knows; none if it has not been heard yet under this boot
-- returns  {1 if it is alive or 0 if it was declared dead, now in seconds, boots with their beats}
local time = redis.call('TIME')
local now = string.format('%d.%06d', tonumber(time[1]), tonumber(time[2]))
local stored = redis.call('GET', KEYS[3])
if not stored or string.sub(stored, 1, 1) == 'x' then
  return {0, now, {}}
end
-- A server that takes no more takes what comes after something that takes nothing: a full one is not to hide who lives.
redis.call('HDEL', KEYS[2], '')
-- Where the beats were forgotten, who never comes back is to be missed all the same.
if #ARGV > 2 and not redis.call('ZSCORE', KEYS[1], ARGV[1]) then
  for i = 3, #ARGV do
    redis.call('ZADD', KEYS[1], 'NX', now, ARGV[i])
  end
end
-- Another primary's clock may be behind: who was heard in its future would live on for as long.
for _, boot in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. now, '+inf')) do
  redis.call('ZADD', KEYS[1], now, boot)
end
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
return {1, now, redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES')}
