-- Leaves a request, unless there is another one than was known.
-- KEYS[1]  a hash of requests
-- ARGV[1]  the field, ARGV[2] the request, ARGV[3] the known one, or nothing
local there = redis.call('HMGET', KEYS[1], ARGV[1])[1]
if (there or '') == ARGV[3] then
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
end
