-- KEYS: bucket   ARGV: tokens per second, capacity, requested tokens
-- A token bucket. Returns {tokens granted, tokens left}; the second as text, since Redis returns integers only.
-- Writes nothing if none is granted. A repeated call takes tokens twice, which only shortens the burst.
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local rate, most = tonumber(ARGV[1]), tonumber(ARGV[2])
local stored = redis.call('HMGET', KEYS[1], 'level', 'at')
local level = most
if stored[1] then
  level = math.min(most, tonumber(stored[1]) + math.max(0, now - tonumber(stored[2])) / 1000 * rate)
end
local given = math.min(tonumber(ARGV[3]), math.floor(level))
if given > 0 then
  level = level - given
  redis.call('HSET', KEYS[1], 'level', tostring(level), 'at', string.format('%d', now))
  redis.call('PEXPIRE', KEYS[1], math.ceil((most - level) / rate * 1000) + 1000)
end
return {given, tostring(level)}
