-- KEYS: merges of one lineage   ARGV: fields
-- Returns the fields of each, false for those that it has not.
local found = {}
for index, merge in ipairs(KEYS) do found[index] = redis.call('HMGET', merge, unpack(ARGV)) end
return found
