-- What wrk found, as JSON in the file that BENCH_RESULT names.
-- No response() anywhere: with it wrk would copy every answer into Lua, on the cores that are measured.
-- Its own count has every status from 400 on; the rows in the database tell about everything else.
local result_file = os.getenv("BENCH_RESULT")

return function(summary, latency, _)
  local errors = summary.errors
  local file = assert(io.open(result_file, "w"))
  file:write(string.format(
    '{"requests": %d, "microseconds": %d, "p50_us": %d, "p95_us": %d, "p99_us": %d, "max_us": %d, '
      .. '"errors": {"connect": %d, "read": %d, "write": %d, "timeout": %d, "status": %d}}\n',
    summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(95), latency:percentile(99), latency.max,
    errors.connect, errors.read, errors.write, errors.timeout, errors.status))
  file:close()
end
