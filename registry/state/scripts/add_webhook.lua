-- KEYS: webhooks listening   ARGV: id, webhook JSON, limit per lineage
-- Stores a new or changed webhook, which is notified of merges from now on. Returns 1, or 0 if the limit is reached.
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 0 and redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[3]) then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('SADD', KEYS[2], ARGV[1])
return 1
