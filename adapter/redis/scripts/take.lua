-- Hand out notices that nobody has taken, and those that a node has left behind. Not idempotent: what is handed out is
-- that node's to deal with, until it says so (settle.lua) or leaves it behind (release.lua).
--
-- KEYS[1]  outbox of the shard (stream): see _outbox.lua
-- ARGV[1]  consumer: the boot
-- ARGV[2]  the most that it takes
-- ARGV[3]  consumer whose notices it takes over; empty for the new ones
-- ARGV[4]  milliseconds since those were handed out, at least
-- returns  {milliseconds of now, entries}
local most = tonumber(ARGV[2])
if redis.call('EXISTS', KEYS[1]) == 0 then
  return {now_ms(), {}}
end
if not redis.call('XINFO', 'GROUPS', KEYS[1])[1] then
  redis.call('XGROUP', 'CREATE', KEYS[1], 'nodes', '0')
end
if ARGV[3] == '' then
  local found = redis.call('XREADGROUP', 'GROUP', 'nodes', ARGV[1], 'COUNT', most, 'STREAMS', KEYS[1], '>')
  return {now_ms(), found and found[1] and found[1][2] or {}}
end
local entries = {}
for _, pending in ipairs(redis.call('XPENDING', KEYS[1], 'nodes', 'IDLE', ARGV[4], '-', '+', most, ARGV[3])) do
  local entry = redis.call('XRANGE', KEYS[1], pending[1], pending[1])[1]
  if entry then
    redis.call('XCLAIM', KEYS[1], 'nodes', ARGV[1], 0, pending[1], 'JUSTID')
    entries[#entries + 1] = entry
  else
    redis.call('XACK', KEYS[1], 'nodes', pending[1])
  end
end
return {now_ms(), entries}
