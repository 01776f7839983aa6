-- What a partition holds, as of one instant. All keys are declared, so that a Redis Cluster that moves them says so.
-- KEYS[1]  the partition's head, KEYS[2] its count of commits, then ARGV[1] lists, then hashes
-- ARGV[2…] from which place on each list is wanted
-- Returns the head (or nil), how many commits were begun and ended, the lists, and each hash as field, amount, …
-- The caller sees to it that this is little: nobody else is served meanwhile.
local found = {redis.call('GET', KEYS[1]), redis.call('HMGET', KEYS[2], 'begun', 'ended')}
local lists = tonumber(ARGV[1])
for i = 3, #KEYS do
  if i <= lists + 2 then
    found[i] = redis.call('LRANGE', KEYS[i], ARGV[i - 1], -1)
  else
    found[i] = redis.call('HGETALL', KEYS[i])
  end
end
return found
