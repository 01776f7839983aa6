-- Claims a partition that is to be removed: only where half of a commit is in it, or where it is being removed already.
-- KEYS[1]  the partition's head, KEYS[2] its count of commits
-- ARGV[1]  the head to store, ARGV[2] what the head of a partition begins with that is being removed
-- Returns 1 where the head was stored, else 0
local head = redis.call('GET', KEYS[1])
local counts = redis.call('HMGET', KEYS[2], 'begun', 'ended')
local clearing = head and string.sub(head, 1, #ARGV[2]) == ARGV[2]
if counts[1] == counts[2] and not clearing then
  return 0
end
redis.call('SET', KEYS[1], ARGV[1])
return 1
