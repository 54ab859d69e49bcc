-- KEYS: idempotency key   ARGV: token, keep ms, response JSON or '' if it was refused, '1' if nothing was made
-- Returns 'ok', or 'lost' (another attempt runs; nothing changed).
if redis.call('HGET', KEYS[1], 'token') ~= ARGV[1] then return 'lost' end
if ARGV[3] ~= '' then
  redis.call('HSET', KEYS[1], 'answer', ARGV[3])
  redis.call('HDEL', KEYS[1], 'token', 'until', 'tried')
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
elseif ARGV[4] == '1' and redis.call('HEXISTS', KEYS[1], 'tried') == 0 then
  redis.call('DEL', KEYS[1])
else
  redis.call('HSET', KEYS[1], 'until', '0', 'token', '', 'tried', '1')
end
return 'ok'
