-- How a topic stands. Put in front of the scripts that answer with it.
--
-- returns  {position, subscriptions, version, seconds, microseconds, members (user, info, ...), remembered or false,
--          milliseconds until that is forgotten, 1 if occupied}
local function read_entry(position, state, roster, remembered)
  local numbers = redis.call('HMGET', state, 'whos', 'subscriptions', 'version')
  local now = redis.call('TIME')
  return string.format('%.0f', position), tonumber(numbers[2]) or 0, numbers[3] or '0', now[1], now[2],
    redis.call('HGETALL', roster), redis.call('GET', remembered), redis.call('PTTL', remembered),
    (tonumber(numbers[1]) or 0) > 0 and 1 or 0
end
