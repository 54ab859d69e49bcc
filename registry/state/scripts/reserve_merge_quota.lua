-- KEYS: places   ARGV: place, most, time (seconds)
-- Returns 1 when the place was taken, or is held already; 0 when all are taken.
if redis.call('ZSCORE', KEYS[1], ARGV[1]) then return 1 end
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) then return 0 end
redis.call('ZADD', KEYS[1], ARGV[3], ARGV[1])
return 1
