# What go says, and what to do about it.

# explain: fails with the remedy for the mistakes that are made most.
explain() {
  if said 'missing go.sum entry|updates to go.(mod|sum) needed|no required module provides package'; then
    fail 'go.mod and go.sum do not match the code' 'Run: go mod tidy  Then commit go.mod and go.sum, and push again.'
  elif said 'inconsistent vendoring'; then
    fail 'vendor/ does not match go.mod' 'Run: go mod vendor  Then commit vendor/, and push again. Or delete vendor/.'
  elif said 'could not read Username|terminal prompts disabled|Permission denied \(publickey\)|Authentication failed'; then
    fail 'a module is in a private repository' \
      'Give a token that may read it: paas config:set GO_GIT_CRED__HTTPS__GITHUB__COM=TOKEN (double underscores for dots)' \
      'Or commit the modules with the code: go mod vendor'
  elif said 'golang.org/toolchain@|toolchain not available'; then
    fail "the Go that ${asked_in:-go.mod} asks for cannot be had" \
      "This stack has $(GOTOOLCHAIN=local go env GOVERSION). Another version comes from the module proxy: is there one of this number?"
  elif said 'dial tcp|i/o timeout|no such host|connection refused|Temporary failure in name resolution'; then
    fail 'the module proxy is not reached' \
      'Is it down, or closed to builds? The config var GOPROXY names another one. Or commit the modules: go mod vendor'
  elif said '(fatal error: .*\.h: No such file|cannot find -l|pkg-config.*not found)'; then
    fail 'a C library for cgo is missing' \
      'The build image has a C compiler and Debian'\''s usual headers. Without C: paas config:set CGO_ENABLED=0'
  elif said '\.go:[0-9]+:[0-9]+: '; then
    fail 'the code does not compile' 'The lines above that begin with a file say where. Correct it and push again.'
  fi
}
