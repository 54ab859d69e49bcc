-- KEYS: idempotency key   ARGV: token, fingerprint JSON
-- Binds the request's fingerprint before anything is made. Returns 'ok', 'different' or 'lost' (another attempt runs).
local found = redis.call('HMGET', KEYS[1], 'token', 'asked')
if found[1] ~= ARGV[1] then return 'lost' end
if found[2] and found[2] ~= ARGV[2] then return 'different' end
redis.call('HSET', KEYS[1], 'asked', ARGV[2])
return 'ok'
