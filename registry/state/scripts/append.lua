-- KEYS: head versions retired outbox revision events   ARGV: parent number, source number, version JSON, origin
-- A version that repeats an older one's weights. Returns 'ok', 'moved' (head is another one) or 'retired'.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  -- This very version was sent again.
  if redis.call('HGET', KEYS[2], string.format('%d', tonumber(ARGV[1]) + 1)) == ARGV[3] then return 'ok' end
  return 'moved'
end
if redis.call('HEXISTS', KEYS[3], ARGV[2]) == 1 then return 'retired' end
local number = redis.call('INCR', KEYS[1])
redis.call('HSET', KEYS[2], number, ARGV[3])
redis.call('HSET', KEYS[4], number, redis.call('INCR', KEYS[5]))
redis.call('XADD', KEYS[6], 'MAXLEN', '~', 10000, '*', 'version', number, 'origin', ARGV[4])
return 'ok'
