-- KEYS: claim merge progress   ARGV: fence, lease ms, progress JSON or '', id
-- Returns 'ok', 'cancel' (the worker should stop), or 'lost'.
if redis.call('HGET', KEYS[1], 'fence') ~= ARGV[1] then return 'lost' end
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
redis.call('HSET', KEYS[1], 'expires', string.format('%d', now + tonumber(ARGV[2])))
-- Watchers are notified of new progress only, not of a renewed lease.
if ARGV[3] ~= '' and redis.call('HGET', KEYS[2], 'progress') ~= ARGV[3] then
  redis.call('HSET', KEYS[2], 'progress', ARGV[3])
  redis.call('XADD', KEYS[3], 'MAXLEN', 1, '*', 'merge', ARGV[4], 'progress', ARGV[3])
end
if redis.call('HGET', KEYS[2], 'cancel') then return 'cancel' end
return 'ok'
