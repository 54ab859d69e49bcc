-- KEYS: record head versions retired   ARGV: the number below which to start, or '', limit, bytes
-- Returns {lineage JSON, versions' JSON, newest first, retirement times or false}, or nothing without the lineage.
-- Returns at least one version, and none after the one that exceeds the bytes.
local head = redis.call('GET', KEYS[2])
if not head then return {} end
local newest = tonumber(head)
if ARGV[1] ~= '' then newest = math.min(newest, tonumber(ARGV[1]) - 1) end
local versions, retired, left = {}, {}, tonumber(ARGV[3])
for number = newest, math.max(0, newest - tonumber(ARGV[2]) + 1), -1 do
  versions[#versions + 1] = redis.call('HGET', KEYS[3], number)
  retired[#retired + 1] = redis.call('HGET', KEYS[4], number)
  left = left - #versions[#versions]
  if left <= 0 then break end
end
return {redis.call('GET', KEYS[1]), versions, retired}
