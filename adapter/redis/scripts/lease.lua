-- Set how many connections of an application a node may have, as far as the cluster's limit allows. Idempotent.
--
-- KEYS[1]  leases (hash: boot to number)
-- KEYS[2]  what nodes say of themselves (hash: boot to JSON): a lease of who isn't there is nobody's
-- ARGV[1]  the boot
-- ARGV[2]  the number that it would like to have
-- ARGV[3]  the limit of all together
-- returns  {the number that it has now, the number that nobody has, 1 if another node that has some is leaving}
local others, leaving, gone = 0, 0, {}
local leases = redis.call('HGETALL', KEYS[1])
for i = 1, #leases, 2 do
  if leases[i] ~= ARGV[1] then
    local said = redis.call('HGET', KEYS[2], leases[i])
    if said then
      others = others + tonumber(leases[i + 1])
      local is_read, node = pcall(cjson.decode, said)
      if is_read and type(node) == 'table' and node.leaving == true then
        leaving = 1
      end
    else
      gone[#gone + 1] = leases[i]
    end
  end
end
local limit = tonumber(ARGV[3])
local granted = math.max(0, math.min(tonumber(ARGV[2]), limit - others))
if granted == 0 then
  gone[#gone + 1] = ARGV[1]
else
  redis.call('HSET', KEYS[1], ARGV[1], granted)
end
if #gone > 0 then
  redis.call('HDEL', KEYS[1], unpack(gone))
end
return {granted, math.max(0, limit - others - granted), leaving}
