-- Reads one of the addresses in the file that BENCH_PATHS names, at random.
local paths = {}
for path in io.lines(os.getenv("BENCH_PATHS")) do
  paths[#paths + 1] = path
end

math.randomseed(tonumber(os.getenv("BENCH_SEED")))

local tail

function init(_)
  tail = " HTTP/1.1\r\nHost: " .. wrk.headers["Host"]
    .. "\r\nAuthorization: Bearer " .. os.getenv("BENCH_API_KEY") .. "\r\n\r\n"
end

function request()
  return "GET " .. paths[math.random(#paths)] .. tail
end

done = dofile(os.getenv("BENCH_DONE"))
