-- 1 KB of JSON in; the body is the file named by the environment.
local file = assert(io.open(os.getenv("DUET_PEERS_ORDER"), "rb"))
wrk.method = "POST"
wrk.body = file:read("*a")
wrk.headers["content-type"] = "application/json"
wrk.headers["x-tenant"] = "north"
wrk.headers["x-request-id"] = "7f9c24e8b1d04a53"
wrk.headers["accept-language"] = "pt-PT"
file:close()
