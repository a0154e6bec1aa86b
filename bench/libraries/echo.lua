-- What wrk sends to /echo.
wrk.method = 'POST'
wrk.body = '{"id":"42","name":"Ada","tags":["one","two","three"],"nested":{"count":3}}'
wrk.headers['Content-Type'] = 'application/json'
