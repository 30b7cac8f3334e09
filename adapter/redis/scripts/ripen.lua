-- Move what was held back, and is due, into the outbox. Idempotent.
--
-- KEYS[1]  outbox of the shard (stream), KEYS[2] what is held back (sorted set), KEYS[3] meta (hash): see _outbox.lua
-- KEYS[4-] for each of what is due: state of its topic (hash)
-- ARGV[1]  the most notices that there may be
-- ARGV[2]  milliseconds for which a transition is held back
-- ARGV[3-] what is due
-- returns  how much was moved
local now = now_ms()
local due, names, totals = {}, {}, {}
for i = 3, #ARGV do
  local score = tonumber(redis.call('ZSCORE', KEYS[2], ARGV[i]) or nil)
  if score and score <= now then
    names[#names + 1] = ARGV[i]
    due[#due + 1] = {ARGV[i], KEYS[i + 1], score}
    totals[KEYS[i + 1]] = redis.call('HGET', KEYS[i + 1], 'subscriptions')
  end
end

-- What is told of a number is the number of now.
local function keep_count(about, state)
  keep(KEYS[1], KEYS[3], ARGV[1], 't', about, 'k', 'counted', 'u', '', 'p', totals[state] or '0')
  if totals[state] then
    redis.call('HSET', state, 'counted', now)
  end
end

local function keep_again(packed)
  local id, about, kind, user, payload, at, only = unpack(cmsgpack.unpack(packed))
  keep(KEYS[1], KEYS[3], ARGV[1], 't', about, 'k', kind, 'u', user, 'p', payload, 'a', at, 'i', id, 'e', only)
end

local function tell(what, state, score)
  local kind, about, rest = string.match(what, '^([^%z]*)%z([^%z]*)%z(.*)$')
  if kind == 'again' then
    keep_again(rest)
  elseif kind == 'counted' then
    keep_count(about, state)
  else
    local at = string.format('%.0f', score - tonumber(ARGV[2]))
    keep(KEYS[1], KEYS[3], ARGV[1], 't', about, 'k', kind, 'u', rest, 'p', '', 'a', at)
  end
end

for _, one in ipairs(due) do
  tell(unpack(one))
end
if #due > 0 then
  redis.call('ZREM', KEYS[2], unpack(names))
end
return #due
