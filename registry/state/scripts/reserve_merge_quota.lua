-- KEYS: reservations   ARGV: reservation, limit, time (seconds)
-- Returns 1 if the reservation was made or exists already, 0 if the limit is reached.
if redis.call('ZSCORE', KEYS[1], ARGV[1]) then return 1 end
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) then return 0 end
redis.call('ZADD', KEYS[1], ARGV[3], ARGV[1])
return 1
