-- KEYS: outbox   ARGV: what was written, the revision that it was due for
-- Returns 1 when it is done, 0 when it has changed meanwhile and so is still due.
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('HDEL', KEYS[1], ARGV[1])
return 1
