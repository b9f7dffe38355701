-- Asks with the bodies of a file, a line each, one after the other, and tells as JSON what came of it.
local requests, next_request = {}, 0

function init(args)
  local headers = { ["Content-Type"] = "application/json" }
  local token = os.getenv("LOAD_TOKEN")
  if token then headers["Authorization"] = "Bearer " .. token end
  for line in io.lines(os.getenv("LOAD_BODIES")) do
    requests[#requests + 1] = wrk.format("POST", os.getenv("LOAD_PATH"), headers, line)
  end
end

function request()
  next_request = next_request % #requests + 1
  return requests[next_request]
end

function done(summary, latency, _)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  io.write(string.format('RESULT {"requests": %d, "seconds": %.6f, "failed": %d, "p50": %.1f, "p99": %.1f}\n',
    summary.requests, summary.duration / 1e6, failed, latency:percentile(50), latency:percentile(99)))
end
