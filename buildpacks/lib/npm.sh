# What a pack itself needs of the package registry: runtimes and package managers, whose binaries
# are packages.

built_in_node=/usr/lib/paas
resolved_for_minutes=1440
# Where archives are kept, if not in the cache; and a line for whoever reads that one did not come.
npm_cache='' download_hint=''

# Not in the app's directory, which is HOME too: its .npmrc is for its own packages.
npm_of_stack() {
  (cd / && PATH=$built_in_node/bin:$PATH npm_config_update_notifier=false npm_config_fund=false npm_config_audit=false \
    npm_config_cache=${npm_cache:-$cache_dir/npm} npm_config_userconfig=/dev/null "$built_in_node/bin/npm" "$@")
}

# download TITLE PACKAGE@RANGE OPTION...
download() {
  local title=$1 spec=$2
  shift 2
  npm_of_stack install --no-save --ignore-scripts --loglevel error "$@" "$spec" >"$run_log" 2>&1 && return
  ! grep -q 'code ETARGET' "$run_log" || no_version "$title" "${spec##*@}"
  indent <"$run_log"
  fail "$title ${spec##*@} could not be downloaded" "The package registry's response is above. Push again when it can be reached." \
    ${download_hint:+"$download_hint"}
}

no_version() {
  local package=${1,,}
  fail "no $1 version matches $2" "See the versions there are with: npm view ${package%.js} versions"
}

# find_release TITLE PACKAGE RANGE: sets $release to the newest version in the range. What was found
# a day ago holds, and older answers when the registry does not.
find_release() {
  local memo versions
  memo=$cache_dir/releases/$(name_of "$2@$3")
  if [[ -z $(find "$memo" -mmin "-$resolved_for_minutes" 2>/dev/null) ]]; then
    mkdir -p "$cache_dir/releases"
    if versions=$(npm_of_stack view "$2@$3" version --json 2>"$run_log"); then
      tr -cd '0-9.\n' <<<"$versions" | sort -V | tail -1 >"$memo"
    elif grep -q E404 "$run_log"; then
      no_version "$1" "$3"
    elif [[ ! -f $memo ]]; then
      indent <"$run_log"
      fail "the package registry did not list the versions of $1" 'Its response is above. Push again when it can be reached.'
    fi
  fi
  release=$(<"$memo")
  [[ -n $release ]] || no_version "$1" "$3"
}

# fetch_release TITLE PACKAGE VERSION DIRECTORY: makes it the package, and the only directory beside
# itself, so that of each runtime one version is kept.
fetch_release() {
  [[ ! -d $4 ]] || return 0
  local staging
  detail "Downloading $1 $3"
  rm -rf "${4%/*}"
  mkdir -p "${4%/*}"
  staging=$(mktemp -d "$cache_dir/staging.XXXXXX")
  download "$1" "$2@$3" --prefix "$staging"
  mv "$staging/node_modules/$2" "$4"
  rm -rf "$staging"
}

# A name for a file that tells any two ranges apart.
name_of() { sha256sum <<<"$1" | cut -c1-16; }
