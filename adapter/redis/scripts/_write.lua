-- How every write begins, and how it announces. Put in front of the scripts that change a shard.
--
-- KEYS[1]  meta of the shard (hash: epoch, replid, seq, mean, noted, settling)
-- KEYS[2]  journal of the shard (stream; the id of an entry is its position)
-- KEYS[3]  number of the last write that was applied for the writing boot; "x" in front: it was declared dead
-- ARGV[1]  epoch in which the caller is enrolled: it asks for its server's replication id on each new connection and
--          each second, and enrols again (register.lua), which moves the epoch, before it writes to another server
-- ARGV[2]  number of this write; -1 for a write that is guarded by something else
-- ARGV[3]  topic
-- ARGV[4]  pub/sub channel of the topic
-- returns  {verdict, epoch, stored number}, and what the script adds to it
--
-- verdict  1 applied, now or before; 0 the caller has old news; -1 the boot was declared dead (stored: its last
--          number, -1 if that is forgotten); -2 a write before this one was refused.
local meta = redis.call('HMGET', KEYS[1], 'epoch', 'seq', 'mean')
local stored = redis.call('GET', KEYS[3])
local number = tonumber(ARGV[2])
if meta[1] ~= ARGV[1] then
  return {0, meta[1], -1}
end
if not stored then
  return {-1, meta[1], -1}
end
if string.sub(stored, 1, 1) == 'x' then
  return {-1, meta[1], tonumber(string.sub(stored, 2))}
end
stored = tonumber(stored)
if number > stored + 1 then
  return {-2, meta[1], stored}
end
local is_repeat = number ~= -1 and number <= stored
local topic, channel = ARGV[3], ARGV[4]
local seq, mean = tonumber(meta[2]), tonumber(meta[3])
local before = seq

-- Give what follows the next position, and tell it: one msgpack array {version, position, kind, ...} of five.
local function announce(tail)
  seq = seq + 1
  local bytes = '\149\1\207' .. struct.pack('>I8', seq) .. tail
  mean = mean + (#bytes - mean) / 64
  local most = math.max(100, math.min(10000, math.floor(4194304 / mean)))
  redis.call('XADD', KEYS[2], 'MAXLEN', '~', most, string.format('%.0f-0', seq), 't', topic, 'b', bytes)
  redis.call(PUBLISH, channel, bytes)
  return seq
end

-- Keep the numbers. The journal expires when nothing was written for an hour.
local function commit()
  if number > stored then
    stored = number
    redis.call('SET', KEYS[3], ARGV[2])
  end
  if seq > before then
    redis.call('HSET', KEYS[1], 'seq', string.format('%.0f', seq), 'mean', string.format('%.1f', mean))
    redis.call('EXPIRE', KEYS[2], 3600)
  end
end
