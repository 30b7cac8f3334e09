-- Make a node's entry for somebody in a topic, tell what that changes, and answer how the topic stands. Idempotent.
--
-- KEYS[1-3], ARGV[1-4]  see _write.lua
-- KEYS[4]  claims of the node in this shard (hash)
-- KEYS[5]  state of the topic (hash: whos, members, subscriptions, version, "h" + who: number of holders,
--          "c" + boot: subscriptions of that node; wants, counted: see below and count.lua)
-- KEYS[6]  roster of the topic (hash: user to info)
-- KEYS[7]  remembered message of the topic
-- KEYS[8]  occupied topics of the application in this shard (set)
-- KEYS[9]  outbox of the shard (stream), KEYS[10] what is held back (sorted set): see _outbox.lua
-- ARGV[5]  claim: who and topic in one
-- ARGV[6]  who: "=" and the user, or "-" for nobody in particular
-- ARGV[7]  info of the user
-- ARGV[8]  the most members that there may be; empty for any number
-- ARGV[9]  what is told: "news" each change; "look" that something has changed, of which nobody is to make news
-- ARGV[10], [11], [12]  kind and fields, in msgpack, of "occupied", "joined" and "look"
-- ARGV[13] which notices are wanted (1 of occupancy, 2 of members, 4 of counts): kept for whoever makes it vacant
-- ARGV[14] the most notices that there may be
-- returns  {verdict, epoch, stored number, 1 if it was full, and see _entry.lua}
local is_claimed = redis.call('HEXISTS', KEYS[4], ARGV[5]) == 1
local numbers = redis.call('HMGET', KEYS[5], 'whos', 'members', 'h' .. ARGV[6])
local whos, members, holders = tonumber(numbers[1]) or 0, tonumber(numbers[2]) or 0, tonumber(numbers[3]) or 0
local is_user = string.sub(ARGV[6], 1, 1) == '='
local wants = tonumber(ARGV[13])
-- The opposites of what may begin, where those are still held back: then neither is told.
local undone, undone_occupied, undone_joined = {}, false, false
if bit.band(wants, 1) == 1 and whos == 0 then
  local what = held_back('vacated', topic, '')
  undone_occupied = redis.call('ZSCORE', KEYS[10], what)
  undone[#undone + 1] = undone_occupied and what or nil
end
if bit.band(wants, 2) == 2 and is_user and holders == 0 then
  local what = held_back('left', topic, string.sub(ARGV[6], 2))
  undone_joined = redis.call('ZSCORE', KEYS[10], what)
  undone[#undone + 1] = undone_joined and what or nil
end

-- Keep a notice of what begins. What was only forgotten is no news.
local function begin(kind, user)
  if ARGV[9] == 'news' then
    keep(KEYS[9], KEYS[1], ARGV[14], 't', topic, 'k', kind, 'u', user, 'p', '')
  end
end

local is_full = not is_claimed and is_user and holders == 0 and ARGV[8] ~= '' and members >= tonumber(ARGV[8])
if is_repeat then
  is_full = not is_claimed and ARGV[8] ~= ''
else
  if not is_claimed and not is_full then
    redis.call('HSET', KEYS[4], ARGV[5], '1')
    redis.call('HINCRBY', KEYS[5], 'h' .. ARGV[6], 1)
    if holders == 0 then
      redis.call('HINCRBY', KEYS[5], 'whos', 1)
      if whos == 0 then
        redis.call('SADD', KEYS[8], topic)
        if ARGV[9] == 'news' then
          announce(ARGV[10])
        end
        if wants > 0 then
          redis.call('HSET', KEYS[5], 'wants', wants)
        end
        if bit.band(wants, 1) == 1 and not undone_occupied then
          begin('occupied', '')
        end
      end
      if is_user then
        redis.call('HSET', KEYS[6], string.sub(ARGV[6], 2), ARGV[7])
        redis.call('HINCRBY', KEYS[5], 'members', 1)
        if ARGV[9] == 'news' then
          announce(ARGV[11])
        end
        if bit.band(wants, 2) == 2 and not undone_joined then
          begin('joined', string.sub(ARGV[6], 2))
        end
      end
      if #undone > 0 then
        redis.call('ZREM', KEYS[10], unpack(undone))
      end
      if ARGV[9] == 'look' then
        announce(ARGV[12])
      end
      if is_user then
        redis.call('HSET', KEYS[5], 'version', string.format('%.0f', seq))
      end
    end
  end
  commit()
end
return {1, meta[1], stored, is_full and 1 or 0, read_entry(seq, KEYS[5], KEYS[6], KEYS[7])}
