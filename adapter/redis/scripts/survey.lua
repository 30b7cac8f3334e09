-- Tell where shards stand, and which holds are due in them. Changes nothing.
--
-- KEYS     for each shard: its meta (hash), then its holds (sorted set)
-- ARGV[1]  the most holds that are told for each shard
-- returns  {for each shard: {epoch, replication id, position, claims whose hold is due}}
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local found = {}
for i = 1, #KEYS, 2 do
  local meta = redis.call('HMGET', KEYS[i], 'epoch', 'replid', 'seq')
  local due = redis.call('ZRANGEBYSCORE', KEYS[i + 1], '-inf', now, 'LIMIT', 0, ARGV[1])
  found[#found + 1] = {meta[1] or '', meta[2] or '', meta[3] or '0', due}
end
return found
