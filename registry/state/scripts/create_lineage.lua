-- KEYS: record versions head pending manifests revision   ARGV: lineage JSON, version 0 JSON
-- Returns the stored lineage's JSON; the first writer wins.
local stored = redis.call('GET', KEYS[1])
if stored then return stored end
redis.call('SET', KEYS[1], ARGV[1])
redis.call('HSET', KEYS[2], '0', ARGV[2])
redis.call('SET', KEYS[3], '0')
local revision = redis.call('INCR', KEYS[5])
redis.call('HSET', KEYS[4], 'lineage', revision, '0', revision)
return ARGV[1]
