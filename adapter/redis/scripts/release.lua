-- Leave what was handed out to a node to the others. Idempotent.
--
-- KEYS[1]  outbox of the shard (stream): see _outbox.lua
-- ARGV[1]  consumer: the boot
-- returns  how many notices it leaves behind, up to 10,000
if redis.call('EXISTS', KEYS[1]) == 0 or not redis.call('XINFO', 'GROUPS', KEYS[1])[1] then
  return 0
end
local pending = redis.call('XPENDING', KEYS[1], 'nodes', '-', '+', 10000, ARGV[1])
for _, entry in ipairs(pending) do
  redis.call('XCLAIM', KEYS[1], 'nodes', '-', 0, entry[1], 'JUSTID')
end
if #pending < 10000 then
  redis.call('XGROUP', 'DELCONSUMER', KEYS[1], 'nodes', ARGV[1])
end
return #pending
