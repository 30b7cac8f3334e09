-- Enrol a boot in a shard, and tell where the shard stands. Idempotent; moves the epoch if the server has changed.
--
-- The epoch is a time of Redis, compared for equality only. It moves when the server isn't the one that it was: another
-- primary, or one that was restarted. Those that it has moved on from, with their last position, are noted, the last
-- four of them: "epoch=position epoch=position ...".
--
-- A shard whose memory was lost is settling once a node comes that knew it before: see settling.py. That ends when all
-- peers that such nodes name are enrolled again, but not before 3 and not after 10 seconds.
--
-- KEYS[1]  meta of the shard (hash), KEYS[2] number of the boot's last write: see _write.lua
-- KEYS[3]  who is awaited while the shard settles (hash: boot to 1 once it is enrolled, else 0)
-- ARGV[1]  the boot
-- ARGV[2]  epoch that it knows; empty for none
-- ARGV[3]  number of the last of its writes that was acknowledged
-- ARGV[4]  1 if the boot is new to this shard
-- ARGV[5-] boots of the peers that it knows
-- returns  {epoch, position, noted, stored number as it was ("" if there was none), 1 if settling, replication id}
local meta = redis.call('HMGET', KEYS[1], 'epoch', 'replid', 'seq', 'noted', 'settling')
local stored = redis.call('GET', KEYS[2])
local awaited = redis.call('HGETALL', KEYS[3])
local replid = string.match(redis.call('INFO', 'replication'), 'master_replid:(%x+)')
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000

local epoch, seq, noted, settling = meta[1], meta[3] or '0', meta[4] or '', meta[5]
local is_lost = ARGV[2] ~= '' and ARGV[2] ~= epoch and not string.find(' ' .. noted, ' ' .. ARGV[2] .. '=', 1, true)
local has_moved = ARGV[2] ~= epoch
if not epoch or meta[2] ~= replid then
  if epoch then
    noted = epoch .. '=' .. seq .. ' ' .. noted
    noted = string.match(noted, '^%S+ %S+ %S+ %S+') or noted
  end
  has_moved = true
  epoch = time[1] .. '.' .. string.format('%06d', tonumber(time[2]))
  redis.call('HSET', KEYS[1], 'epoch', epoch, 'replid', replid, 'seq', seq, 'noted', noted)
  redis.call('HSETNX', KEYS[1], 'mean', '256')
end
if is_lost and not settling then
  settling = string.format('%.6f', now)
  redis.call('HSET', KEYS[1], 'settling', settling)
end
local is_settling = settling and settling ~= 'over'
if is_settling then
  local is_complete = true
  for i = 1, #awaited, 2 do
    is_complete = is_complete and (awaited[i + 1] == '1' or awaited[i] == ARGV[1])
  end
  redis.call('HSET', KEYS[3], ARGV[1], '1')
  for i = 5, #ARGV do
    is_complete = redis.call('HSETNX', KEYS[3], ARGV[i], '0') == 0 and is_complete
  end
  redis.call('EXPIRE', KEYS[3], 60)
  local age = now - tonumber(settling)
  if age >= 10 or (age >= 3 and is_complete) then
    is_settling = false
    redis.call('HSET', KEYS[1], 'settling', 'over')
  end
end
if not stored then
  if ARGV[4] == '1' or has_moved then
    redis.call('SET', KEYS[2], ARGV[3])
  end
elseif string.sub(stored, 1, 1) ~= 'x' and tonumber(stored) < tonumber(ARGV[3]) then
  redis.call('SET', KEYS[2], ARGV[3])
end
return {epoch, seq, noted, stored or '', is_settling and 1 or 0, replid}
