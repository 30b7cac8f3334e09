-- Grant a node a part of what all nodes together may spend. Whoever loses the answer has lost what it was granted.
--
-- KEYS[1]  what is missing from the full allowance (hash: missing, at, limit); expires when nothing is
-- ARGV[1]  the allowance: so much at most, and so much more each second
-- ARGV[2]  the least that is of use: half of the allowance suffices for it, and the rest is owed
-- ARGV[3]  what is needed now
-- ARGV[4]  what the node would like to have beyond that; it gets half of the rest at most, so that others get some too
-- returns  {the number that it gets, what is missing then, in thousandths}
local limit, least, needed, extra = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local stored = redis.call('HMGET', KEYS[1], 'missing', 'at', 'limit')
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
-- A clock that was set back must not stop the allowance from filling.
local elapsed = math.max(0, now - (tonumber(stored[2]) or now))
-- With another limit the same part of it is missing: what a high one has spent would take a low one for ever.
local missing = (tonumber(stored[1]) or 0) * limit / (tonumber(stored[3]) or limit)
missing = math.max(0, missing - elapsed * limit)
local free = limit - missing
local granted = math.max(0, math.floor(math.min(needed, free)))
if granted < least and free >= limit / 2 then
  granted = least
end
local rest = math.max(0, free - granted)
-- The last bits in one piece: to halve them again and again would be many questions for little.
granted = granted + math.floor(math.min(extra, math.max(rest / 2, math.min(rest, limit / 64))))
missing = missing + granted
redis.call('HSET', KEYS[1], 'missing', string.format('%.6f', missing), 'at', string.format('%.6f', now),
  'limit', limit)
redis.call('EXPIRE', KEYS[1], math.ceil(missing / limit) + 1)
return {granted, math.ceil(missing * 1000)}
