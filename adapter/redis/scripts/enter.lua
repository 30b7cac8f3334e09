-- Make a node's entry for somebody in a topic, tell what that changes, and answer how the topic stands. Idempotent.
--
-- KEYS[1-3], ARGV[1-5]  see _write.lua
-- KEYS[4]  claims of the node in this shard (hash)
-- KEYS[5]  state of the topic (hash: whos, members, subscriptions, version, "h" + who: number of holders,
--          "c" + boot: subscriptions of that node)
-- KEYS[6]  roster of the topic (hash: user to info)
-- KEYS[7]  remembered message of the topic
-- KEYS[8]  occupied topics of the application in this shard (set)
-- ARGV[6]  claim: who and topic in one
-- ARGV[7]  who: "=" and the user, or "-" for nobody in particular
-- ARGV[8]  info of the user
-- ARGV[9]  the most members that there may be; empty for any number
-- ARGV[10] what is told: "news" each change; "look" that something changed; "nothing"
-- ARGV[11], [12], [13]  kind and fields, in msgpack, of "occupied", "joined" and "look"
-- returns  {verdict, epoch, stored number, 1 if it was full, and see _entry.lua}
local is_claimed = redis.call('HEXISTS', KEYS[4], ARGV[6]) == 1
local numbers = redis.call('HMGET', KEYS[5], 'whos', 'members', 'h' .. ARGV[7])
local whos, members, holders = tonumber(numbers[1]) or 0, tonumber(numbers[2]) or 0, tonumber(numbers[3]) or 0
local is_user = string.sub(ARGV[7], 1, 1) == '='
local is_full = not is_claimed and is_user and holders == 0 and ARGV[9] ~= '' and members >= tonumber(ARGV[9])
if is_repeat then
  is_full = not is_claimed and ARGV[9] ~= ''
else
  if not is_claimed and not is_full then
    redis.call('HSET', KEYS[4], ARGV[6], '1')
    redis.call('HINCRBY', KEYS[5], 'h' .. ARGV[7], 1)
    if holders == 0 then
      redis.call('HINCRBY', KEYS[5], 'whos', 1)
      if whos == 0 then
        redis.call('SADD', KEYS[8], topic)
        if ARGV[10] == 'news' then
          announce(ARGV[11])
        end
      end
      if is_user then
        redis.call('HSET', KEYS[6], string.sub(ARGV[7], 2), ARGV[8])
        redis.call('HINCRBY', KEYS[5], 'members', 1)
        if ARGV[10] == 'news' then
          announce(ARGV[12])
        end
        redis.call('HSET', KEYS[5], 'version', string.format('%.0f', seq))
      end
      if ARGV[10] == 'look' then
        announce(ARGV[13])
      end
    end
  end
  commit()
end
return {1, meta[1], stored, is_full and 1 or 0, read_entry(seq, KEYS[5], KEYS[6], KEYS[7])}
