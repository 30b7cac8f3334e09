-- Number a message, write it into the journal and send it to all nodes that watch the topic. Exactly once.
--
-- KEYS[1-3], ARGV[1-5]  see _write.lua
-- KEYS[4]  remembered message of the topic (string), if ARGV[7] isn't 0
-- the last key, if ARGV[8] is 1: mark of a publish that may come again (string)
-- ARGV[6]  the message: kind, sender and payload in msgpack
-- ARGV[7]  milliseconds for which it is remembered; 0: not at all
-- ARGV[8]  1 if there is a mark
-- ARGV[9]  seconds for which the mark is kept
-- returns  {verdict, epoch, stored number}
local is_known = ARGV[8] == '1' and redis.call('EXISTS', KEYS[#KEYS]) == 1
if not is_repeat then
  if not is_known then
    announce(ARGV[6])
    if ARGV[7] ~= '0' then
      redis.call('SET', KEYS[4], ARGV[6], 'PX', ARGV[7])
    end
    if ARGV[8] == '1' then
      redis.call('SET', KEYS[#KEYS], '1', 'EX', ARGV[9])
    end
  end
  commit()
end
return {1, meta[1], stored}
