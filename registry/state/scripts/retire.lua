-- KEYS: head aliases pins retired retention pending manifests revision   ARGV: retirement time, or '' to only list
-- Retires the versions that the lineage's retention rule selects, none without one. Returns their numbers, never that
-- of the base, version 0, which every merge of the lineage needs.
local rule = redis.call('GET', KEYS[5])
if not rule then return {} end
local kept = {}
for _, alias in ipairs(redis.call('HVALS', KEYS[2])) do kept[cjson.decode(alias).version] = true end
for _, number in ipairs(redis.call('SMEMBERS', KEYS[3])) do kept[tonumber(number)] = true end
for _, number in ipairs(redis.call('HKEYS', KEYS[4])) do kept[tonumber(number)] = true end
local found = {}
for number = 1, tonumber(redis.call('GET', KEYS[1])) - cjson.decode(rule).keep_last do
  if not kept[number] then
    found[#found + 1] = number
    if ARGV[1] ~= '' then redis.call('HSET', KEYS[4], number, ARGV[1]) end
  end
end
if #found > 0 and ARGV[1] ~= '' then redis.call('HSET', KEYS[6], 'lineage', redis.call('INCR', KEYS[7])) end
return found
