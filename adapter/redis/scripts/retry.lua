-- Put dead letters into the outbox again, as of now. Idempotent: those that are gone are left out.
--
-- KEYS[1]  outbox of the shard (stream), KEYS[2] dead letters (hash), KEYS[3] meta (hash): see _outbox.lua, bury.lua
-- ARGV[1]  the most notices that there may be
-- ARGV[2-] ids of the dead letters
-- returns  how many there were of them
local letters = redis.call('HMGET', KEYS[2], unpack(ARGV, 2))
local room = tonumber(ARGV[1]) - redis.call('XLEN', KEYS[1])
local moved = {}
for i = 2, #ARGV do
  local stored = letters[i - 1]
  if stored and #moved < room then
    local _, fields = cmsgpack.unpack(stored)
    local id, about, kind, user, payload, _, only = unpack(fields)
    keep(KEYS[1], KEYS[3], ARGV[1], 't', about, 'k', kind, 'u', user, 'p', payload, 'i', id, 'e', only)
    moved[#moved + 1] = ARGV[i]
  end
end
if #moved > 0 then
  redis.call('HDEL', KEYS[2], unpack(moved))
end
return #moved
