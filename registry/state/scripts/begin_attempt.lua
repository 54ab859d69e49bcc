-- KEYS: idempotency key   ARGV: token, seed, target, lease ms, keep ms
-- Begins an attempt at a request. Returns {'begun', seed, fingerprint or ''}, {'done', seed, fingerprint, response},
-- {'different'} (the key was used for another target) or {'busy', ms} (another attempt has a lease for ms).
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local found = redis.call('HMGET', KEYS[1], 'seed', 'target', 'token', 'until', 'asked', 'answer')
if found[2] and found[2] ~= ARGV[3] then return {'different'} end
if found[6] then return {'done', found[1], found[5] or '', found[6]} end
if found[1] then
  local left = tonumber(found[4]) - now
  -- More time than was granted is left only if a clock was set back.
  if found[3] ~= ARGV[1] and left > 0 and left <= tonumber(ARGV[4]) then return {'busy', left} end
  -- The earlier attempt may have made something before it died, so the seed is kept from now on.
  if found[3] ~= ARGV[1] then redis.call('HSET', KEYS[1], 'tried', '1') end
else
  found[1] = ARGV[2]
end
redis.call('HSET', KEYS[1], 'seed', found[1], 'target', ARGV[3], 'token', ARGV[1],
  'until', string.format('%d', now + tonumber(ARGV[4])))
redis.call('PEXPIRE', KEYS[1], ARGV[5])
return {'begun', found[1], found[5] or ''}
