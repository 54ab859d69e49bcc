-- KEYS: claim merge queue head versions fence events   ARGV: id, fence, parent number, version JSON, report JSON
-- Returns {'ok', number}, or {'stale'}, {'moved'}, {'cancel'}.
if redis.call('HGET', KEYS[2], 'state') == 'succeeded' then
  return {'ok', tonumber(redis.call('HGET', KEYS[2], 'version'))}
end
if redis.call('GET', KEYS[6]) ~= ARGV[2] or redis.call('HGET', KEYS[1], 'fence') ~= ARGV[2] then return {'stale'} end
if redis.call('LINDEX', KEYS[3], 0) ~= ARGV[1] then return {'stale'} end
if redis.call('GET', KEYS[4]) ~= ARGV[3] then return {'moved'} end
if redis.call('HGET', KEYS[2], 'cancel') then return {'cancel'} end

local clock = redis.call('TIME')
local now = string.format('%d', clock[1] * 1000 + math.floor(clock[2] / 1000))
local number = redis.call('INCR', KEYS[4])
redis.call('HSET', KEYS[5], number, ARGV[4])
redis.call('HSET', KEYS[2], 'state', 'succeeded', 'version', number, 'report', ARGV[5], 'ended', now)
redis.call('HDEL', KEYS[2], 'progress')
redis.call('LPOP', KEYS[3])
redis.call('DEL', KEYS[1])
redis.call('XADD', KEYS[7], 'MAXLEN', '~', 10000, '*', 'merge', ARGV[1], 'state', 'succeeded', 'version', number)
return {'ok', number}
