-- KEYS: claim merge queue head versions fence events pending manifests revision listening deliveries
-- ARGV: merge id, fence of the claim or '' for a client, outcome, problem JSON or '', report JSON or '',
--       parent number and version JSON (of the outcome 'succeeded')
-- Ends a merge; no other script does. The outcome is the final state. A client can only cancel, and only a
-- merge that is still queued ends at once; a running one is marked, so that its worker stops.
-- Returns {'ended', number of the version or 0}, {'state', state} (for a client: the state that the merge had),
-- {'stale'} (the claim is no longer the newest; nothing changed), {'cancelled'} (in place of 'succeeded', as
-- requested), or {'moved'} (head is another version: the merge is queued again at its old position, and the attempt
-- does not count).
local id, fence, outcome, problem, report = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local merge = redis.call('HMGET', KEYS[2], 'state', 'fence', 'version', 'cancel', 'attempt')
local requested = outcome

local function add_event(...)
  redis.call('XADD', KEYS[7], 'MAXLEN', '~', 10000, '*', 'merge', id, 'state', ...)
end

if fence == '' then
  if merge[1] == 'queued' or merge[1] == 'running' then redis.call('HSET', KEYS[2], 'cancel', '1') end
  if merge[1] ~= 'queued' then return {'state', merge[1]} end
else
  if merge[2] == fence then
    -- This call is a repetition.
    if merge[1] == outcome then return {'ended', tonumber(merge[3] or 0)} end
    if merge[1] == 'cancelled' and outcome == 'succeeded' then return {'cancelled'} end
  end
  if redis.call('GET', KEYS[6]) ~= fence or redis.call('HGET', KEYS[1], 'fence') ~= fence then return {'stale'} end
  if redis.call('LINDEX', KEYS[3], 0) ~= id then return {'stale'} end
  if outcome == 'succeeded' then
    if merge[4] then
      outcome, report = 'cancelled', ''
    elseif redis.call('GET', KEYS[4]) ~= ARGV[6] then
      redis.call('HSET', KEYS[2], 'state', 'queued', 'attempt', tonumber(merge[5]) - 1)
      redis.call('HDEL', KEYS[2], 'progress')
      redis.call('DEL', KEYS[1])
      add_event('queued')
      return {'moved'}
    end
  end
end

local clock = redis.call('TIME')
local now = string.format('%d', clock[1] * 1000 + math.floor(clock[2] / 1000))
redis.call('HSET', KEYS[2], 'state', outcome, 'ended', now)
redis.call('HDEL', KEYS[2], 'progress')
if problem ~= '' then redis.call('HSET', KEYS[2], 'problem', problem) end
if report ~= '' then redis.call('HSET', KEYS[2], 'report', report) end
redis.call('LREM', KEYS[3], 1, id)
if redis.call('HGET', KEYS[1], 'merge') == id then redis.call('DEL', KEYS[1]) end
local number = 0
if outcome == 'succeeded' then
  number = redis.call('INCR', KEYS[4])
  redis.call('HSET', KEYS[5], number, ARGV[7])
  redis.call('HSET', KEYS[8], number, redis.call('INCR', KEYS[9]))
  redis.call('HSET', KEYS[2], 'version', number)
  add_event(outcome, 'version', number)
else
  add_event(outcome, 'problem', problem)
end
for _, webhook in ipairs(redis.call('SMEMBERS', KEYS[10])) do
  redis.call('ZADD', KEYS[11], now, webhook .. '/' .. id)
end
if fence == '' then return {'state', merge[1]} end
return outcome == requested and {'ended', number} or {outcome}
