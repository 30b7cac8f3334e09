-- Number a message, write it into the journal and send it to all nodes that watch the topic. Exactly once.
--
-- KEYS[1-3], ARGV[1-4]  see _write.lua
-- KEYS[4]  remembered message of the topic (string), if ARGV[6] isn't 0
-- the last key, if ARGV[7] is 1: mark of a publish that may come again (string)
-- ARGV[5]  the message: kind, sender and payload in msgpack
-- ARGV[6]  milliseconds for which it is remembered; 0: not at all
-- ARGV[7]  1 if there is a mark
-- ARGV[8]  seconds for which the mark is kept
-- returns  {verdict, epoch, stored number}
local is_known = ARGV[7] == '1' and redis.call('EXISTS', KEYS[#KEYS]) == 1
if not is_repeat then
  if not is_known then
    announce(ARGV[5])
    if ARGV[6] ~= '0' then
      redis.call('SET', KEYS[4], ARGV[5], 'PX', ARGV[6])
    end
    if ARGV[7] == '1' then
      redis.call('SET', KEYS[#KEYS], '1', 'EX', ARGV[8])
    end
  end
  commit()
end
return {1, meta[1], stored}
