-- KEYS: head versions retired pending manifests revision events made
-- ARGV: parent number, source number, version JSON, origin, seconds to keep the `made` record
-- Appends a version with the weights of an older one. Returns its number, 'moved' (head has changed) or 'retired'.
local made = redis.call('GET', KEYS[7])
if made then return made end
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 'moved' end
if redis.call('HEXISTS', KEYS[3], ARGV[2]) == 1 then return 'retired' end
local number = redis.call('INCR', KEYS[1])
redis.call('HSET', KEYS[2], number, ARGV[3])
redis.call('HSET', KEYS[4], number, redis.call('INCR', KEYS[5]))
redis.call('XADD', KEYS[6], 'MAXLEN', '~', 10000, '*', 'version', number, 'origin', ARGV[4])
redis.call('SET', KEYS[7], number, 'EX', ARGV[5])
return tostring(number)
