# How cargo is run. Crates, and what was compiled, stay in the cache.

prepare_cargo() {
  local root
  root=$(builtin cd "$cache_dir/rust" && pwd)
  export CARGO_HOME=$root/cargo RUSTUP_HOME=$root/rustup CARGO_TARGET_DIR=$root/target
  export CARGO_TERM_COLOR=never CARGO_TERM_PROGRESS_WHEN=never CARGO_NET_GIT_FETCH_WITH_CLI=true
  [[ -z ${SSL_CERT_FILE:-} ]] || export CARGO_HTTP_CAINFO=$SSL_CERT_FILE
  bound_cache "$CARGO_HOME/registry" "$CARGO_HOME/git"
  cache_most_mib=3072 bound_cache "$CARGO_TARGET_DIR"
  fit_jobs
  locked=()
  if [[ -f Cargo.lock ]]; then
    locked=(--locked)
  else
    warn 'There is no Cargo.lock, so each build may get other versions of crates.' 'Commit the one that cargo build has made.'
  fi
  # cargo goes by the time of a file, and a checkout has that of its commit.
  /usr/lib/paas/bin/node "$pack_dir/../lib/times.mjs" "$root/times.json"
}

# A job needs up to 700 MiB.
fit_jobs() {
  source .profile.d/000-paas-memory.sh || true
  [[ -z ${CARGO_BUILD_JOBS:-} && -n $paas_memory_mib ]] || return 0
  local cpus jobs=$((paas_memory_mib / 700))
  cpus=$(/usr/lib/paas/bin/node -p 'os.availableParallelism()')
  ((jobs > 0)) || jobs=1
  ((jobs >= cpus)) || export CARGO_BUILD_JOBS=$jobs
}

# try_cargo COMMAND...: once more with the newest Rust when the stack's is too old and no other is
# asked for, now and from now on.
try_cargo() {
  run "$@" && return
  local status=$?
  [[ -z $asked_version ]] && is_too_old || return $status
  echo "this app needs a newer one than the stack's $rust_of_stack" >"$cache_dir/rust/newer"
  use_stable "$(<"$cache_dir/rust/newer")"
  run "$@"
}

is_too_old() {
  said 'requires rustc [0-9]|is not supported by the following package|is older than the .* edition|`edition20[0-9]+` is required|lock file version'
}
