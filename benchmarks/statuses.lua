-- A script for wrk. It sends the requests of a file in turn and prints as JSON the number of responses by status and
-- the number of requests without a response. A line that begins with "{" is the body of a POST, any other line is a
-- token for a GET.

local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

function init(arguments)
  statuses, requests, turn = {}, {}, 0
  for line in io.lines(arguments[1]) do
    if line:sub(1, 1) == "{" then
      table.insert(requests, wrk.format("POST", nil, { ["Content-Type"] = "application/json" }, line))
    else
      table.insert(requests, wrk.format("GET", nil, { ["Authorization"] = "Bearer " .. line }))
    end
  end
end

function request()
  turn = turn % #requests + 1
  return requests[turn]
end

function response(status)
  statuses[status] = (statuses[status] or 0) + 1
end

function done(summary)
  local totals = {}
  for _, thread in ipairs(threads) do
    for status, count in pairs(thread:get("statuses")) do
      totals[status] = (totals[status] or 0) + count
    end
  end
  local errors, parts = summary.errors, {}
  for status, count in pairs(totals) do
    table.insert(parts, ('"%d": %d'):format(status, count))
  end
  local unanswered = errors.connect + errors.read + errors.write + errors.timeout
  io.stderr:write(('{"unanswered": %d, "statuses": {%s}}\n'):format(unanswered, table.concat(parts, ", ")))
end
