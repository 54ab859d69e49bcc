-- KEYS: outbox revision   ARGV: what was written, the revision that it was due for
-- Returns 1 when it is done, 0 when it changed meanwhile: then it is due again, so that the last writer has read last.
local due = redis.call('HGET', KEYS[1], ARGV[1])
if due == ARGV[2] then
  redis.call('HDEL', KEYS[1], ARGV[1])
  return 1
end
redis.call('HSET', KEYS[1], ARGV[1], redis.call('INCR', KEYS[2]))
return 0
