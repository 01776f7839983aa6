-- What a partition holds, as of one instant. All keys are declared, so that a Redis Cluster that moves them says so.
-- KEYS[1]  the partition's head, then ARGV[1] lists, then hashes
-- ARGV[2…] from which place on each list is wanted
-- Returns the head (or nil), the lists, and each hash as field, amount, field, amount, …
-- The caller sees to it that this is little: nobody else is served meanwhile.
local found = {redis.call('GET', KEYS[1])}
local lists = tonumber(ARGV[1])
for i = 2, #KEYS do
  if i <= lists + 1 then
    found[i] = redis.call('LRANGE', KEYS[i], ARGV[i], -1)
  else
    found[i] = redis.call('HGETALL', KEYS[i])
  end
end
return found
