-- KEYS: counter   ARGV: amount (negative: refund), limit, seconds to keep the counter
-- Returns {1, spent so far}, or {0, spent so far} if the amount would exceed the limit; then nothing is spent.
local spent = tonumber(redis.call('GET', KEYS[1]) or '0')
local amount = tonumber(ARGV[1])
if amount > 0 and spent + amount > tonumber(ARGV[2]) then return {0, spent} end
spent = math.max(0, spent + amount)
redis.call('SET', KEYS[1], string.format('%d', spent), 'EX', ARGV[3])
return {1, spent}
