-- KEYS: turn   ARGV: token
-- Ends a turn, unless it was over and another one has begun. Returns 1 or 0.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
