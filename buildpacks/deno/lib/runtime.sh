# Deno, which is one binary.

find_deno() {
  local package=@deno/linux-x64-glibc
  [[ $(uname -m) != aarch64 ]] || package=@deno/linux-arm64-glibc
  topic "Installing Deno"
  asked_for_deno
  find_release Deno "$package" "${asked_version:-2}"
  deno_version=$release
  deno_dir=$cache_dir/deno/$deno_version
  fetch_release Deno "$package" "$deno_version" "$deno_dir"
  export PATH=$deno_dir:$PATH DENO_NO_UPDATE_CHECK=1 DENO_TLS_CA_STORE=system,mozilla NO_COLOR=1
  detail "Using Deno $deno_version${asked_in:+ ($asked_in)}"
}

asked_for_deno() {
  asked_version deno
  if [[ -f .dvmrc ]]; then asked_version=$(head -n 1 .dvmrc) asked_in=.dvmrc; fi
  asked_version=${asked_version//[[:space:]]/}
  asked_version=${asked_version#v}
  case $asked_version in
    '' | latest | lts | stable) asked_version='' ;;
    [0-9]*) ;;
    *) fail "$asked_in asks for Deno $asked_version, which is no version" 'Write one such as 2 or 2.4.5, and push again.' ;;
  esac
}

write_profile() {
  write_memory_profile
  cat >.profile.d/deno.sh <<'PROFILE'
export PATH="$HOME/.paas/deno/bin:$PATH"
export DENO_DIR="$HOME/.paas/deno/cache" DENO_NO_UPDATE_CHECK=1 NODE_ENV="${NODE_ENV:-production}"
# What Deno.serve listens on if the program does not say (docs.deno.com, environment variables).
[ -z "$PORT" ] || export DENO_SERVE_ADDRESS="${DENO_SERVE_ADDRESS:-tcp:0.0.0.0:$PORT}"
# The heap is three quarters of the dyno's memory, the rest for what is beside it.
[ -z "$paas_memory_mib" ] || export DENO_V8_FLAGS="${DENO_V8_FLAGS:---max-old-space-size=$((paas_memory_mib * 3 / 4))}"
PROFILE
  # shellcheck disable=SC2016 # the next pack expands it
  printf 'export PATH="%s:$PATH" DENO_DIR="%s/.paas/deno/cache"\n' "$deno_dir" "$build_dir" >"$pack_dir/export"
}
