-- KEYS: record merge queue merges events   ARGV: id, merge JSON, deadline in ms or '', limit of unfinished merges or 0
-- Stores a merge and appends it to its lineage's queue.
-- Returns {'queued', milliseconds of now}, {'exists'} (nothing changed), {'no_lineage'}, or {'full'}.
if redis.call('EXISTS', KEYS[1]) == 0 then return {'no_lineage'} end
if redis.call('EXISTS', KEYS[2]) == 1 then return {'exists'} end
if tonumber(ARGV[4]) > 0 and redis.call('LLEN', KEYS[3]) >= tonumber(ARGV[4]) then return {'full'} end
local clock = redis.call('TIME')
local now = string.format('%d', clock[1] * 1000 + math.floor(clock[2] / 1000))
redis.call('HSET', KEYS[2], 'record', ARGV[2], 'state', 'queued', 'attempt', 0, 'fence', 0, 'created', now)
if ARGV[3] ~= '' then redis.call('HSET', KEYS[2], 'deadline', ARGV[3]) end
redis.call('RPUSH', KEYS[3], ARGV[1])
redis.call('LPUSH', KEYS[4], ARGV[1])
redis.call('XADD', KEYS[5], 'MAXLEN', '~', 10000, '*', 'merge', ARGV[1], 'state', 'queued')
return {'queued', now}
