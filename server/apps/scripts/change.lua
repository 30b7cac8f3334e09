-- Gives some fields of an application other values. Atomic, and idempotent but for the version.
-- KEYS: the application's hash, the ids by key, the version. ARGV: fields and their values, empty to take a field away.
-- Returns: "ok", or "id" if there is no such application.
if redis.call('EXISTS', KEYS[1]) == 0 then
  return 'id'
end
for i = 1, #ARGV, 2 do
  if ARGV[i + 1] == '' then
    redis.call('HDEL', KEYS[1], ARGV[i])
  else
    redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
  end
end
redis.call('INCR', KEYS[3])
return 'ok'
