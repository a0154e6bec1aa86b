-- For wrk: each request has a body of 1 MiB.
wrk.method = "POST"
wrk.body = string.rep("0123456789abcdef", 65536)
