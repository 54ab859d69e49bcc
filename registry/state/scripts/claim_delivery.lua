-- KEYS: deliveries attempts   ARGV: lease ms
-- Claims the delivery that has been due longest and postpones it by a lease: if the gateway dies, it is due again.
-- Returns {webhook/merge, attempt}, or false if none is due.
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local found = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', string.format('%d', now), 'LIMIT', 0, 1)[1]
if not found then return false end
redis.call('ZADD', KEYS[1], string.format('%d', now + tonumber(ARGV[1])), found)
return {found, redis.call('HINCRBY', KEYS[2], found, 1)}
