-- KEYS: deliveries attempts log failing listening webhooks
-- ARGV: webhook, webhook/merge, attempt, 'done', 'again' or 'given up', ms until the next attempt, entry JSON,
--       length of the log, ms of failing after which the webhook is disabled (0: at once), time as text
-- Records an attempt. Returns 'ok', 'disabled' (the webhook has just been), 'late' (another gateway has tried since:
-- only the log is written) or 'gone' (the webhook was deleted: nothing is written).
local deleted = redis.call('HEXISTS', KEYS[6], ARGV[1]) == 0
if deleted then
  redis.call('ZREM', KEYS[1], ARGV[2])
  redis.call('HDEL', KEYS[2], ARGV[2])
  return 'gone'
end
redis.call('LPUSH', KEYS[3], ARGV[6])
redis.call('LTRIM', KEYS[3], 0, tonumber(ARGV[7]) - 1)
if redis.call('HGET', KEYS[2], ARGV[2]) ~= ARGV[3] then return 'late' end
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
if ARGV[4] == 'again' then
  redis.call('ZADD', KEYS[1], string.format('%d', now + tonumber(ARGV[5])), ARGV[2])
else
  redis.call('ZREM', KEYS[1], ARGV[2])
  redis.call('HDEL', KEYS[2], ARGV[2])
end
if ARGV[4] == 'done' then
  redis.call('HDEL', KEYS[4], ARGV[1])
  return 'ok'
end
redis.call('HSETNX', KEYS[4], ARGV[1], string.format('%d', now))
if now - tonumber(redis.call('HGET', KEYS[4], ARGV[1])) < tonumber(ARGV[8]) then return 'ok' end
if redis.call('SREM', KEYS[5], ARGV[1]) == 0 then return 'ok' end
local stored = redis.call('HGET', KEYS[6], ARGV[1])
local disabled = string.gsub(stored, '"disabled_at":null', '"disabled_at":"' .. ARGV[9] .. '"')
redis.call('HSET', KEYS[6], ARGV[1], disabled)
return 'disabled'
