-- Keep a notice that a node hands in. Exactly once.
--
-- KEYS[1-3], ARGV[1-4]  see _write.lua
-- KEYS[4]  outbox of the shard (stream): see _outbox.lua
-- KEYS[5]  mark of the topic and kind (string), if ARGV[8] isn't 0
-- ARGV[5]  kind, ARGV[6] payload
-- ARGV[7]  the most notices that there may be
-- ARGV[8]  milliseconds for which a second one is none; 0: any number
-- returns  {verdict, epoch, stored number}
if not is_repeat then
  if ARGV[8] == '0' or redis.call('SET', KEYS[5], '1', 'NX', 'PX', ARGV[8]) then
    keep(KEYS[4], KEYS[1], ARGV[7], 't', topic, 'k', ARGV[5], 'u', '', 'p', ARGV[6])
  end
  commit()
end
return {1, meta[1], stored}
