# What the pack itself needs of the package registry: Node.js and package managers.

# Not in the app's directory, which is HOME too: its .npmrc is for its own packages.
npm_of_stack() {
  (cd / && PATH=$built_in_node/bin:$PATH npm_config_cache=$cache_dir/npm npm_config_userconfig=/dev/null "$built_in_node/bin/npm" "$@")
}

# download NAME PACKAGE@RANGE OPTION...: what the pack itself needs, from the registry.
download() {
  local name=$1 spec=$2
  shift 2
  npm_of_stack install --no-save --ignore-scripts --loglevel error "$@" "$spec" >"$run_log" 2>&1 && return
  ! grep -q 'code ETARGET' "$run_log" || no_version "$name" "${spec##*@}"
  indent <"$run_log"
  fail "$name ${spec##*@} could not be downloaded" "The package registry's response is above. Push again when it can be reached."
}

no_version() { fail "no $1 version matches $2" "See the versions there are with: npm view $([[ $1 == Node.js ]] && echo node || echo "$1") versions"; }

# A name for a file that tells any two ranges apart.
name_of() { sha256sum <<<"$1" | cut -c1-16; }
