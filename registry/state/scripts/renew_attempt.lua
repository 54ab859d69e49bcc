-- KEYS: idempotency key   ARGV: token, lease ms, keep ms
-- Renews the lease of an attempt. Returns 'ok' or 'lost'.
if redis.call('HGET', KEYS[1], 'token') ~= ARGV[1] then return 'lost' end
local clock = redis.call('TIME')
redis.call('HSET', KEYS[1], 'until', string.format('%d', clock[1] * 1000 + math.floor(clock[2] / 1000) + tonumber(ARGV[2])))
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 'ok'
