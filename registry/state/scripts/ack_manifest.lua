-- KEYS: pending manifests   ARGV: the written entry, the revision that it was due for
-- Acknowledges a written manifest. Returns 1, or 0 if it has changed since and so is still due.
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('HDEL', KEYS[1], ARGV[1])
return 1
