-- KEYS: claim merge queue head versions fence events outbox revision listening deliveries
-- ARGV: id, fence, parent number, version JSON, report JSON
-- Returns {'ok', number}, or {'stale'} (nothing changed), {'cancel'} (the merge has ended as cancelled), {'moved'}
-- (head is another one: the merge is queued again at its old place, and this attempt does not count).
local merge = redis.call('HMGET', KEYS[2], 'state', 'fence', 'version', 'cancel', 'attempt')
if merge[2] == ARGV[2] then
  -- This very commit was sent again.
  if merge[1] == 'succeeded' then return {'ok', tonumber(merge[3])} end
  if merge[1] == 'cancelled' then return {'cancel'} end
end
if redis.call('GET', KEYS[6]) ~= ARGV[2] or redis.call('HGET', KEYS[1], 'fence') ~= ARGV[2] then return {'stale'} end
if redis.call('LINDEX', KEYS[3], 0) ~= ARGV[1] then return {'stale'} end

local clock = redis.call('TIME')
local now = string.format('%d', clock[1] * 1000 + math.floor(clock[2] / 1000))
redis.call('HDEL', KEYS[2], 'progress')
redis.call('DEL', KEYS[1])
if merge[4] then
  redis.call('HSET', KEYS[2], 'state', 'cancelled', 'ended', now)
  redis.call('LPOP', KEYS[3])
  redis.call('XADD', KEYS[7], 'MAXLEN', '~', 10000, '*', 'merge', ARGV[1], 'state', 'cancelled')
  for _, webhook in ipairs(redis.call('SMEMBERS', KEYS[10])) do
    redis.call('ZADD', KEYS[11], now, webhook .. '/' .. ARGV[1])
  end
  return {'cancel'}
end
if redis.call('GET', KEYS[4]) ~= ARGV[3] then
  redis.call('HSET', KEYS[2], 'state', 'queued', 'attempt', tonumber(merge[5]) - 1)
  redis.call('XADD', KEYS[7], 'MAXLEN', '~', 10000, '*', 'merge', ARGV[1], 'state', 'queued')
  return {'moved'}
end
local number = redis.call('INCR', KEYS[4])
redis.call('HSET', KEYS[5], number, ARGV[4])
redis.call('HSET', KEYS[8], number, redis.call('INCR', KEYS[9]))
redis.call('HSET', KEYS[2], 'state', 'succeeded', 'version', number, 'report', ARGV[5], 'ended', now)
redis.call('LPOP', KEYS[3])
redis.call('XADD', KEYS[7], 'MAXLEN', '~', 10000, '*', 'merge', ARGV[1], 'state', 'succeeded', 'version', number)
for _, webhook in ipairs(redis.call('SMEMBERS', KEYS[10])) do
  redis.call('ZADD', KEYS[11], now, webhook .. '/' .. ARGV[1])
end
return {'ok', number}
