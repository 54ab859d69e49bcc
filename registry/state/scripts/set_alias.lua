-- KEYS: aliases versions retired pending manifests revision
-- ARGV: name, number, condition ('' none, '*' it exists, '-' it does not, else its revision), time, token
-- Returns {'ok', JSON}, {'version'} (no such version), {'retired'}, {'changed'} (the condition does not hold).
local stored = redis.call('HGET', KEYS[1], ARGV[1])
local alias = stored and cjson.decode(stored)
-- This call is a repetition.
if alias and alias.token == ARGV[5] then return {'ok', stored} end
local condition = ARGV[3]
if condition == '-' and alias then return {'changed'} end
if condition == '*' and not alias then return {'changed'} end
if condition ~= '' and condition ~= '*' and condition ~= '-' then
  if not alias or string.format('%d', alias.revision) ~= condition then return {'changed'} end
end
if redis.call('HEXISTS', KEYS[2], ARGV[2]) == 0 then return {'version'} end
if redis.call('HEXISTS', KEYS[3], ARGV[2]) == 1 then return {'retired'} end
local revision = redis.call('INCR', KEYS[5])
local json = cjson.encode({version = tonumber(ARGV[2]), revision = revision, updated_at = ARGV[4], token = ARGV[5]})
redis.call('HSET', KEYS[1], ARGV[1], json)
redis.call('HSET', KEYS[4], 'lineage', revision)
return {'ok', json}
