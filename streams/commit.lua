-- One batch's commit: all of it, or nothing where somebody else has written since.
-- KEYS[1]  the partition's head; on a cluster, the keys that the commands name follow it
-- ARGV[1]  the head that must be stored ('' for none), ARGV[2] the new one
-- ARGV[3…] commands: 'S' n key value … (n arguments to MSET)
--                    'C' key n field amount … (n arguments to HSET)
--                    'N' key n name … (n arguments to RPUSH)
--          or 'P' and all of these packed as one: Redis 6.2 takes a million arguments at most
-- Returns 'OK', or what is stored. Keeps to what Redis 6.2 knows; unpack() is bounded, hence the slices.
local stored = redis.call('GET', KEYS[1]) or ''
if stored ~= ARGV[1] then
  return {'CONFLICT', stored}
end
local commands, at = ARGV, 3
if ARGV[3] == 'P' then
  commands, at = cmsgpack.unpack(ARGV[4]), 1
end
local slice, last = 4000, #commands
while at <= last do
  local command, key, n, from = commands[at], nil, nil, nil
  if command == 'S' then
    n, from = tonumber(commands[at + 1]), at + 2
  else
    key, n, from = commands[at + 1], tonumber(commands[at + 2]), at + 3
  end
  for i = from, from + n - 1, slice do
    local to = math.min(i + slice - 1, from + n - 1)
    if command == 'S' then
      redis.call('MSET', unpack(commands, i, to))
    elseif command == 'C' then
      redis.call('HSET', key, unpack(commands, i, to))
    else
      redis.call('RPUSH', key, unpack(commands, i, to))
    end
  end
  at = from + n
end
redis.call('SET', KEYS[1], ARGV[2])
return {'OK', ''}
