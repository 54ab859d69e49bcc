-- KEYS: merges of one lineage   ARGV: bytes, fields
-- Returns {bytes of the values, the fields of each merge, false if missing}. Returns at least one merge, and none
-- after the one whose values exceed the bytes.
local limit = tonumber(table.remove(ARGV, 1))
local size, found = 0, {}
for index, merge in ipairs(KEYS) do
  local values = redis.call('HMGET', merge, unpack(ARGV))
  for _, value in ipairs(values) do size = size + (value and #value or 0) end
  found[index] = values
  if size >= limit then break end
end
return {size, found}
