-- Forget notices that were dealt with. Idempotent.
--
-- KEYS[1]  outbox of the shard (stream): see _outbox.lua
-- ARGV     ids of the entries
-- returns  how many of them there were
if redis.call('EXISTS', KEYS[1]) == 0 then
  return 0
end
if redis.call('XINFO', 'GROUPS', KEYS[1])[1] then
  redis.call('XACK', KEYS[1], 'nodes', unpack(ARGV))
end
return redis.call('XDEL', KEYS[1], unpack(ARGV))
