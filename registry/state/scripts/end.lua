-- KEYS: claim merge queue fence events listening deliveries   ARGV: id, fence, state, problem JSON or '', report JSON or ''
-- Returns 'ok' or 'stale'. The same end sent again is no error.
local merge = redis.call('HMGET', KEYS[2], 'state', 'fence')
if merge[1] == ARGV[3] and merge[2] == ARGV[2] then return 'ok' end
if redis.call('GET', KEYS[4]) ~= ARGV[2] or redis.call('HGET', KEYS[1], 'fence') ~= ARGV[2] then return 'stale' end
if redis.call('LINDEX', KEYS[3], 0) ~= ARGV[1] then return 'stale' end
local clock = redis.call('TIME')
local now = string.format('%d', clock[1] * 1000 + math.floor(clock[2] / 1000))
redis.call('HSET', KEYS[2], 'state', ARGV[3], 'ended', now)
redis.call('HDEL', KEYS[2], 'progress')
if ARGV[4] ~= '' then redis.call('HSET', KEYS[2], 'problem', ARGV[4]) end
if ARGV[5] ~= '' then redis.call('HSET', KEYS[2], 'report', ARGV[5]) end
redis.call('LPOP', KEYS[3])
redis.call('DEL', KEYS[1])
redis.call('XADD', KEYS[5], 'MAXLEN', '~', 10000, '*', 'merge', ARGV[1], 'state', ARGV[3], 'problem', ARGV[4])
for _, webhook in ipairs(redis.call('SMEMBERS', KEYS[6])) do
  redis.call('ZADD', KEYS[7], now, webhook .. '/' .. ARGV[1])
end
return 'ok'
