-- Keep a dead letter. Idempotent.
--
-- KEYS[1]  dead letters of the shard (hash), KEYS[2] meta of the shard (hash)
-- ARGV[1]  its id
-- ARGV[2]  itself: the notice's id, topic, kind, user, payload, milliseconds and for whom, and why, in msgpack
-- ARGV[3]  the most that there may be, ARGV[4] seconds for which they are kept after the last
-- returns  1; 0 if there were too many
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 0 and redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[3]) then
  redis.call('HINCRBY', KEYS[2], 'dropped', 1)
  return 0
end
redis.call('HSET', KEYS[1], ARGV[1], cmsgpack.pack(now_ms()) .. ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[4])
return 1
