-- KEYS: merge queue events listening deliveries   ARGV: id
-- A queued merge ends at once; a running one is asked to stop. Returns the state that it had.
local state = redis.call('HGET', KEYS[1], 'state')
if state == 'queued' then
  local clock = redis.call('TIME')
  local now = string.format('%d', clock[1] * 1000 + math.floor(clock[2] / 1000))
  redis.call('HSET', KEYS[1], 'state', 'cancelled', 'cancel', '1', 'ended', now)
  redis.call('LREM', KEYS[2], 1, ARGV[1])
  redis.call('XADD', KEYS[3], 'MAXLEN', '~', 10000, '*', 'merge', ARGV[1], 'state', 'cancelled')
  for _, webhook in ipairs(redis.call('SMEMBERS', KEYS[4])) do
    redis.call('ZADD', KEYS[5], now, webhook .. '/' .. ARGV[1])
  end
elseif state == 'running' then
  redis.call('HSET', KEYS[1], 'cancel', '1')
end
return state
