-- KEYS: versions retired pins pending manifests revision   ARGV: number, '1' to pin or '0' to unpin
-- Returns 'ok', 'version' (no such version) or 'retired'.
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 0 then return 'version' end
if ARGV[2] == '1' then
  if redis.call('HEXISTS', KEYS[2], ARGV[1]) == 1 then return 'retired' end
  redis.call('SADD', KEYS[3], ARGV[1])
else
  redis.call('SREM', KEYS[3], ARGV[1])
end
redis.call('HSET', KEYS[4], 'lineage', redis.call('INCR', KEYS[5]))
return 'ok'
