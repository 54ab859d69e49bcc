-- KEYS: record retention pending manifests revision   ARGV: retention JSON, or '' for none
-- Returns 'ok' or 'no_lineage'.
if redis.call('EXISTS', KEYS[1]) == 0 then return 'no_lineage' end
if ARGV[1] == '' then redis.call('DEL', KEYS[2]) else redis.call('SET', KEYS[2], ARGV[1]) end
redis.call('HSET', KEYS[3], 'lineage', redis.call('INCR', KEYS[4]))
return 'ok'
