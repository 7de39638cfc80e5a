-- Sends one request over and over as the official Python SDK does: the same headers, the same form.
-- Everything comes by the environment, as the arguments of a process can be read by anybody.
local api_key = os.getenv("BENCH_API_KEY")
local seed = tonumber(os.getenv("BENCH_SEED"))
local path = os.getenv("BENCH_PATH")
local form = os.getenv("BENCH_FORM")

local run = string.format("%08x", seed)
local random, format, concat = math.random, string.format, table.concat
local count = 0
local head
local pieces = {}

math.randomseed(seed)

function init(_)
  -- What never changes is put together once: what wrk uses up, the server lacks.
  head = concat({
    "POST " .. path .. " HTTP/1.1",
    "Host: " .. wrk.headers["Host"],
    "User-Agent: Stripe/v1 PythonBindings/16.1.0",
    "Accept-Encoding: gzip, deflate",
    "Accept: */*",
    "Connection: keep-alive",
    'X-Stripe-Client-User-Agent: {"bindings_version": "16.1.0", "lang": "python", "httplib": "requests", '
      .. '"telemetry_id": "764925c24827a96a23bd38bf15d1465f", "lang_version": "3.11.7", '
      .. '"platform": "Linux-6.1.0-x86_64-with-glibc2.36"}',
    "Authorization: Bearer " .. api_key,
    "Content-Type: application/x-www-form-urlencoded",
    "Stripe-Version: 2026-10-28.endive",
    "Idempotency-Key: ",
  }, "\r\n")
  -- The order's number comes between the pieces.
  for piece in (form .. "{order}"):gmatch("(.-){order}") do
    pieces[#pieces + 1] = piece
  end
end

function request()
  count = count + 1
  -- Chance comes first, as in a real UUID, so that the keys land all over their index.
  local key = format("%08x-%04x-4%03x-a%03x-%s%04x",
    random(0, 0x7fffffff), random(0, 0xffff), random(0, 0xfff), random(0, 0xfff), run, count % 0x10000)
  local body = concat(pieces, format("%s%06x", run, count))
  return head .. key .. "\r\nContent-Length: " .. #body .. "\r\n\r\n" .. body
end

done = dofile(os.getenv("BENCH_DONE"))
