-- Agree on what all nodes must have in common: whoever comes first decides. Idempotent.
--
-- KEYS[1]  what was agreed (string)
-- ARGV[1]  what the caller has
-- returns  what was agreed
redis.call('SET', KEYS[1], ARGV[1], 'NX')
return redis.call('GET', KEYS[1])
