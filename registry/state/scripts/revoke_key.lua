-- KEYS: keys   ARGV: id, time
-- Returns the revoked key's JSON, or false if there is none. A key that was revoked before keeps its first time.
local stored = redis.call('HGET', KEYS[1], ARGV[1])
if not stored then return false end
local key = cjson.decode(stored)
if type(key.revoked_at) == 'string' then return stored end
-- Replaces only this field, since cjson would write an empty list as an empty object.
local revoked = string.gsub(stored, '"revoked_at":null', '"revoked_at":"' .. ARGV[2] .. '"')
redis.call('HSET', KEYS[1], ARGV[1], revoked)
return revoked
