-- Try, on a key of no importance, every command that nodes and their scripts need. Leaves nothing behind.
--
-- KEYS[1]  the key
-- ARGV[1]  a pub/sub channel that nobody listens to
-- returns  the first error, or an empty string
local key = KEYS[1]
local attempts = {
  {'SET', key, '1', 'EX', 10}, {'GET', key}, {'PTTL', key}, {'EXISTS', key}, {'DEL', key}, {'UNLINK', key},
  {'HSET', key, 'a', '1'}, {'HSETNX', key, 'a', '1'}, {'HINCRBY', key, 'a', 1}, {'HMGET', key, 'a'},
  {'HGETALL', key}, {'HEXISTS', key, 'a'}, {'HGET', key, 'a'}, {'HLEN', key}, {'HKEYS', key}, {'HDEL', key, 'a'},
  {'SADD', key, 'a'}, {'SREM', key, 'a'}, {'SMEMBERS', key}, {'ZADD', key, 1, 'a'}, {'ZSCORE', key, 'a'}, {'ZRANGE', key, 0, -1}, {'ZCARD', key},
  {'ZRANGEBYSCORE', key, 0, 1}, {'ZREMRANGEBYSCORE', key, 0, 0}, {'ZREM', key, 'a'},
  {'XADD', key, '*', 'a', '1'}, {'XRANGE', key, '-', '+', 'COUNT', 1}, {'EXPIRE', key, 10}, {'XLEN', key},
  {'XGROUP', 'CREATE', key, 'a', '0'}, {'XREADGROUP', 'GROUP', 'a', 'a', 'COUNT', 1, 'STREAMS', key, '>'},
  {'XINFO', 'GROUPS', key}, {'XPENDING', key, 'a'}, {'XCLAIM', key, 'a', 'b', 0, '1-1', 'JUSTID'}, {'XACK', key, 'a', '1-1'},
  {'XDEL', key, '1-1'}, {'XGROUP', 'DELCONSUMER', key, 'a', 'a'}, {'DEL', key},
  {PUBLISH, ARGV[1], ''}, {'INFO', 'replication'}, {'TIME'},
}
for _, attempt in ipairs(attempts) do
  local answer = redis.pcall(unpack(attempt))
  if type(answer) == 'table' and answer.err then
    redis.pcall('DEL', key)
    return answer.err
  end
end
return ''
