-- Hold back what was handed out, for some time. Idempotent.
--
-- KEYS[1]  what is held back (sorted set), KEYS[2] meta of the shard (hash): see _outbox.lua
-- ARGV[1]  what
-- ARGV[2]  milliseconds
-- ARGV[3]  the most that may be held back
-- returns  1; 0 if it was too much
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[3]) and not redis.call('ZSCORE', KEYS[1], ARGV[1]) then
  redis.call('HINCRBY', KEYS[2], 'dropped', 1)
  return 0
end
redis.call('ZADD', KEYS[1], now_ms() + tonumber(ARGV[2]), ARGV[1])
return 1
