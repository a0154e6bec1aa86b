# Go itself: Debian's, or the version that is asked for, which the go command gets as a module
# (go.dev/doc/toolchain). A line `go` or `toolchain` of go.mod that asks for a newer one counts in
# any case.

# Modules, what was compiled, and the go command's own files stay out of the app.
prepare_go() {
  local root
  root=$(builtin cd "$cache_dir/go" && pwd)
  export GOPATH=$root GOMODCACHE=$root/mod GOCACHE=$root/build GOBIN=$build_dir/bin
  export GOENV=off XDG_CONFIG_HOME=/tmp/go-settings GOFLAGS="-modcacherw -buildvcs=false ${GOFLAGS:-}"
  unset GOROOT
  bound_cache "$GOMODCACHE"
}

choose_toolchain() {
  asked_for_go
  export GOTOOLCHAIN=auto
  [[ -z $asked_version ]] || find_release "$asked_version"
  local version status=0
  version=$(go env GOVERSION 2>"$run_log") || status=$?
  if ((status != 0)); then
    indent <"$run_log"
    explain_and_fail "go env exited with $status"
  fi
  topic "Using $version${asked_in:+ ($asked_in)}"
}

# Heroku's: the config var GOVERSION, and a comment in go.mod.
asked_for_go() {
  asked_version=${GOVERSION:-} asked_in=GOVERSION
  [[ -n $asked_version ]] || asked_version=$(heroku_comment goVersion) asked_in=go.mod
  if [[ -z $asked_version && -f .go-version ]]; then asked_version=$(head -n 1 .go-version) asked_in=.go-version; fi
  [[ -n $asked_version ]] || asked_version go golang
  asked_version=${asked_version#go}
  asked_version=${asked_version//[[:space:]]/}
  [[ -n $asked_version ]] || asked_in=
}

# heroku_comment WORD: what follows `// +heroku WORD` in go.mod.
heroku_comment() {
  [[ ! -f go.mod ]] || sed -nE "s|^//[[:space:]]*\+heroku[[:space:]]+$1[[:space:]]+(.*)|\1|p" go.mod | head -n 1
}

# find_release VERSION: makes it the toolchain; `1.23` is the newest 1.23.
find_release() {
  local architecture newest
  [[ $1 != latest ]] || set -- 1
  [[ $1 =~ ^[0-9]+(\.[0-9]+)?(\.[0-9]+)?([a-z]+[0-9]+)?$ ]] ||
    fail "$asked_in asks for Go $1, which is no version" 'Write one such as 1.24 or 1.24.3, and push again.'
  if [[ $1 =~ ^[0-9]+\.[0-9]+(\.[0-9]+|[a-z]+[0-9]+)$ ]]; then
    export GOTOOLCHAIN=go$1+auto
    return
  fi
  architecture=$(GOTOOLCHAIN=local go env GOARCH)
  newest=$(cd / && GOTOOLCHAIN=local GOFLAGS=-mod=mod go list -m -versions golang.org/toolchain 2>/dev/null |
    tr ' ' '\n' | sed -nE "s/^v0\.0\.1-go([0-9.]+)\.linux-$architecture$/\1/p" | newest_of "$1") || true
  export GOTOOLCHAIN=go${newest:-$1}+auto
}
