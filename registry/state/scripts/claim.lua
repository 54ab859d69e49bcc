-- KEYS: queue claim fence merge events served listening deliveries   ARGV: id, lease ms, attempts allowed, token
-- The caller has peeked at the queue and names its first merge; `moved` tells it to peek again.
-- Returns {'claimed', fence}, or {'moved'}, {'busy'}, {'ended'} (this merge has just been ended; try the next).
if redis.call('LINDEX', KEYS[1], 0) ~= ARGV[1] then return {'moved'} end
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local held = redis.call('HMGET', KEYS[2], 'expires', 'lease', 'token', 'fence')
-- The answer to this very claim was lost, and it was sent again.
if held[3] == ARGV[4] then return {'claimed', tonumber(held[4])} end
if held[1] then
  local left, lease = tonumber(held[1]) - now, tonumber(held[2])
  if left > lease then
    -- Only a clock that went back leaves more than was given. Whoever lives renews within one lease from now.
    redis.call('HSET', KEYS[2], 'expires', string.format('%d', now + lease))
    return {'busy'}
  end
  if left > 0 then return {'busy'} end
end

local stamp = string.format('%d', now)
local attempt = tonumber(redis.call('HGET', KEYS[4], 'attempt'))
local ending
local problem = ''
local deadline = tonumber(redis.call('HGET', KEYS[4], 'deadline') or 'inf')
if redis.call('HGET', KEYS[4], 'cancel') or deadline <= now then
  ending = 'cancelled'
elseif attempt >= tonumber(ARGV[3]) then
  ending = 'failed'
  problem = cjson.encode({
    type = '/problems/worker-lost',
    title = 'The workers that ran this merge were lost',
    detail = 'It was started ' .. attempt .. ' times and each time its worker died or stopped answering. '
      .. 'Look at the worker\'s log (most often it ran out of memory), then send the merge again.'
  })
  redis.call('HSET', KEYS[4], 'problem', problem)
end
-- The merge carries the fence of whoever decided about it last; an older one can neither commit nor end it.
local fence = redis.call('INCR', KEYS[3])
redis.call('HDEL', KEYS[4], 'progress')
if ending then
  redis.call('HSET', KEYS[4], 'state', ending, 'fence', fence, 'ended', stamp)
  redis.call('LPOP', KEYS[1])
  redis.call('DEL', KEYS[2])
  redis.call('XADD', KEYS[5], 'MAXLEN', '~', 10000, '*', 'merge', ARGV[1], 'state', ending, 'problem', problem)
  for _, webhook in ipairs(redis.call('SMEMBERS', KEYS[7])) do
    redis.call('ZADD', KEYS[8], stamp, webhook .. '/' .. ARGV[1])
  end
  return {'ended'}
end

redis.call('HSET', KEYS[2], 'merge', ARGV[1], 'fence', fence, 'token', ARGV[4], 'lease', ARGV[2],
  'expires', string.format('%d', now + tonumber(ARGV[2])))
redis.call('HSET', KEYS[4], 'state', 'running', 'attempt', attempt + 1, 'fence', fence, 'started', stamp)
redis.call('SET', KEYS[6], stamp)
redis.call('XADD', KEYS[5], 'MAXLEN', '~', 10000, '*', 'merge', ARGV[1], 'state', 'running', 'attempt', attempt + 1)
return {'claimed', fence}
