-- Declare a boot dead in a shard: from now on its writes are refused, with the number of the last one. Idempotent.
--
-- KEYS[1]  number of the boot's last write: see _write.lua
-- ARGV[1]  seconds for which the declaration is kept
-- returns  the number; -1 if there is none
--
-- Where there is none, as after a loss of memory, that is declared too: or the boot could enrol again some day.
local stored = redis.call('GET', KEYS[1]) or '-1'
if string.sub(stored, 1, 1) == 'x' then
  return tonumber(string.sub(stored, 2))
end
redis.call('SET', KEYS[1], 'x' .. stored, 'EX', ARGV[1])
return tonumber(stored)
