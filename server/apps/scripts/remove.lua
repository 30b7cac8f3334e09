-- Deletes an application. Atomic, and idempotent.
-- KEYS: the application's hash, the ids by key, the version. ARGV: nothing.
-- Returns: "ok", or "id" if there was none.
local key = redis.call('HGET', KEYS[1], 'key')
if not key then
  return 'id'
end
redis.call('DEL', KEYS[1])
redis.call('HDEL', KEYS[2], key)
redis.call('INCR', KEYS[3])
return 'ok'
