-- Adds an application. Atomic; a second time it refuses.
-- KEYS: the application's hash, the ids by key, the version. ARGV: its id, its key, then its fields and their values.
-- Returns: "ok", or "id" or "key", whichever is another's already.
if redis.call('EXISTS', KEYS[1]) == 1 then
  return 'id'
end
if redis.call('HEXISTS', KEYS[2], ARGV[2]) == 1 then
  return 'key'
end
redis.call('HSET', KEYS[1], unpack(ARGV, 3))
redis.call('HSET', KEYS[2], ARGV[2], ARGV[1])
redis.call('INCR', KEYS[3])
return 'ok'
