-- KEYS: queue claim fence merge events served   ARGV: merge id, lease ms, attempts allowed, token
-- Claims the first merge of the queue, which the caller has read: raises the fence and grants a lease.
-- Returns {'claimed', fence}, {'moved'} (another merge is first now), {'busy'} (a lease is alive), or
-- {'over', fence, outcome, attempts}: the merge must not start again; the claim only serves to end it.
if redis.call('LINDEX', KEYS[1], 0) ~= ARGV[1] then return {'moved'} end
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local claim = redis.call('HMGET', KEYS[2], 'expires', 'lease', 'token', 'fence', 'outcome')
local merge = redis.call('HMGET', KEYS[4], 'attempt', 'cancel', 'deadline')
local attempt = tonumber(merge[1])
if claim[3] == ARGV[4] then
  -- This call is a repetition.
  if claim[5] then return {'over', tonumber(claim[4]), claim[5], attempt} end
  return {'claimed', tonumber(claim[4])}
end
if claim[1] then
  local left, lease = tonumber(claim[1]) - now, tonumber(claim[2])
  if left > lease then
    -- More time than was granted is left only if a clock was set back. A live worker renews within one lease.
    redis.call('HSET', KEYS[2], 'expires', string.format('%d', now + lease))
    return {'busy'}
  end
  if left > 0 then return {'busy'} end
end

-- The merge carries the fence of its newest claim; an older claim can neither commit nor end it.
local fence = redis.call('INCR', KEYS[3])
redis.call('HDEL', KEYS[4], 'progress')
redis.call('DEL', KEYS[2])
redis.call('HSET', KEYS[2], 'merge', ARGV[1], 'fence', fence, 'token', ARGV[4], 'lease', ARGV[2],
  'expires', string.format('%d', now + tonumber(ARGV[2])))
local outcome = false
if merge[2] or tonumber(merge[3] or 'inf') <= now then
  outcome = 'cancelled'
elseif attempt >= tonumber(ARGV[3]) then
  outcome = 'failed'
end
if outcome then
  redis.call('HSET', KEYS[2], 'outcome', outcome)
  redis.call('HSET', KEYS[4], 'fence', fence)
  return {'over', fence, outcome, attempt}
end

local stamp = string.format('%d', now)
redis.call('HSET', KEYS[4], 'state', 'running', 'attempt', attempt + 1, 'fence', fence, 'started', stamp)
redis.call('SET', KEYS[6], stamp)
redis.call('XADD', KEYS[5], 'MAXLEN', '~', 10000, '*', 'merge', ARGV[1], 'state', 'running', 'attempt', attempt + 1)
return {'claimed', fence}
