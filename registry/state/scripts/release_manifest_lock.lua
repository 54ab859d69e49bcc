-- KEYS: manifest lock   ARGV: token
-- Releases the lock, unless it has expired and another process holds it. Returns 1 or 0.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
