-- Read how a topic stands. Changes nothing.
--
-- KEYS[1]  meta of the shard, KEYS[2] state of the topic, KEYS[3] roster, KEYS[4] remembered message
-- returns  {epoch, and see _entry.lua}
local meta = redis.call('HMGET', KEYS[1], 'epoch', 'seq')
return {meta[1], read_entry(tonumber(meta[2]) or 0, KEYS[2], KEYS[3], KEYS[4])}
