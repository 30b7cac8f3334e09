-- Tell how the outboxes of shards stand, and what of them is due. Changes nothing.
--
-- KEYS     for each shard: its outbox (stream), what is held back (sorted set), dead letters (hash), meta (hash)
-- ARGV[1]  the most that is told of what is due, for each shard
-- returns  {milliseconds of now, for each shard: {notices, milliseconds of the oldest that nobody has taken or 0,
--          consumers with their numbers of notices in delivery, what is due, how much is held back, dead letters,
--          dropped}}
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)

local function read_group(outbox)
  local groups = redis.call('XINFO', 'GROUPS', outbox)
  local last, pending = '0-0', 0
  if groups[1] then
    for i = 1, #groups[1], 2 do
      if groups[1][i] == 'last-delivered-id' then
        last = groups[1][i + 1]
      elseif groups[1][i] == 'pending' then
        pending = groups[1][i + 1]
      end
    end
  end
  local consumers = {}
  if pending > 0 then
    consumers = redis.call('XPENDING', outbox, 'nodes')[4] or {}
  end
  return last, consumers
end

local found = {now}
for i = 1, #KEYS, 4 do
  local outbox = KEYS[i]
  local length, oldest, consumers = redis.call('XLEN', outbox), 0, {}
  if length > 0 then
    local last
    last, consumers = read_group(outbox)
    local first = redis.call('XRANGE', outbox, '(' .. last, '+', 'COUNT', 1)
    if first[1] then
      oldest = tonumber(string.match(first[1][1], '^%d+'))
    end
  end
  local due = redis.call('ZRANGEBYSCORE', KEYS[i + 1], '-inf', now, 'LIMIT', 0, ARGV[1])
  found[#found + 1] = {length, oldest, consumers, due, redis.call('ZCARD', KEYS[i + 1]),
    redis.call('HLEN', KEYS[i + 2]), redis.call('HGET', KEYS[i + 3], 'dropped') or '0'}
end
return found
