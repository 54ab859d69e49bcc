-- KEYS: aliases pending manifests revision   ARGV: name, condition ('' none, '*' it exists, else its revision)
-- Returns 'ok', 'missing' or 'changed'.
local stored = redis.call('HGET', KEYS[1], ARGV[1])
if not stored then return 'missing' end
if ARGV[2] ~= '' and ARGV[2] ~= '*' and string.format('%d', cjson.decode(stored).revision) ~= ARGV[2] then
  return 'changed'
end
redis.call('HDEL', KEYS[1], ARGV[1])
redis.call('HSET', KEYS[2], 'lineage', redis.call('INCR', KEYS[3]))
return 'ok'
