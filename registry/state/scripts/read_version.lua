-- KEYS: record head aliases versions retired   ARGV: the reference: a number, `latest` or an alias
-- Returns {lineage JSON, version JSON, retirement time}, with false for whatever is missing.
local number = ARGV[1]
if number == 'latest' then
  number = redis.call('GET', KEYS[2])
elseif string.find(number, '%D') then
  local alias = redis.call('HGET', KEYS[3], number)
  number = alias and string.format('%d', cjson.decode(alias).version)
end
local lineage = redis.call('GET', KEYS[1])
if not number then return {lineage, false, false} end
return {lineage, redis.call('HGET', KEYS[4], number), redis.call('HGET', KEYS[5], number)}
