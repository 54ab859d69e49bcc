-- KEYS: record merges   ARGV: the position below which to start, or '', limit
-- Returns {position of the first, ids, newest first}, or nothing without the lineage. New merges are prepended, so a
-- position counts from the end.
if redis.call('EXISTS', KEYS[1]) == 0 then return {} end
local place = redis.call('LLEN', KEYS[2])
if ARGV[1] ~= '' then place = math.min(place, tonumber(ARGV[1]) - 1) end
if place <= 0 then return {0, {}} end
return {place, redis.call('LRANGE', KEYS[2], -place, math.min(tonumber(ARGV[2]) - place, 0) - 1)}
