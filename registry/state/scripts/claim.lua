-- KEYS: queue claim fence merge events   ARGV: id, lease ms, attempts allowed
-- The caller has peeked at the queue and names its first merge; `moved` tells it to peek again.
-- Returns {'claimed', fence}, or {'moved'}, {'busy'}, {'ended'} (this merge has just been ended; try the next).
if redis.call('LINDEX', KEYS[1], 0) ~= ARGV[1] then return {'moved'} end
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local expires = redis.call('HGET', KEYS[2], 'expires')
if expires and tonumber(expires) > now then return {'busy'} end

local stamp = string.format('%d', now)
local attempt = tonumber(redis.call('HGET', KEYS[4], 'attempt'))
local ending
if redis.call('HGET', KEYS[4], 'cancel') then
  ending = 'cancelled'
elseif attempt >= tonumber(ARGV[3]) then
  ending = 'failed'
  redis.call('HSET', KEYS[4], 'problem', cjson.encode({
    type = '/problems/worker-lost',
    title = 'The workers that ran this merge were lost',
    detail = 'It was started ' .. attempt .. ' times and each time its worker died or stopped answering. '
      .. 'Look at the worker\'s log (most often it ran out of memory), then send the merge again.'
  }))
end
if ending then
  redis.call('HSET', KEYS[4], 'state', ending, 'ended', stamp)
  redis.call('HDEL', KEYS[4], 'progress')
  redis.call('LPOP', KEYS[1])
  redis.call('DEL', KEYS[2])
  redis.call('INCR', KEYS[3])
  redis.call('XADD', KEYS[5], 'MAXLEN', '~', 10000, '*', 'merge', ARGV[1], 'state', ending)
  return {'ended'}
end

local fence = redis.call('INCR', KEYS[3])
redis.call('HSET', KEYS[2], 'merge', ARGV[1], 'fence', fence, 'expires', string.format('%d', now + tonumber(ARGV[2])))
redis.call('HSET', KEYS[4], 'state', 'running', 'attempt', attempt + 1, 'fence', fence, 'started', stamp)
redis.call('HDEL', KEYS[4], 'progress')
redis.call('XADD', KEYS[5], 'MAXLEN', '~', 10000, '*', 'merge', ARGV[1], 'state', 'running', 'attempt', attempt + 1)
return {'claimed', fence}
