# A version of a language that the stack does not have, installed by mise (mise.jdx.dev): it knows
# where the versions of each language are, finds mirrors that its settings name, and checks what it
# downloads. Its binary is a package of the registry. What it installs is kept in the app's cache;
# mise itself is needed once for each version, and is not kept.
#
# A pack sources npm.sh too, and says
#   choose_release  which of the versions on standard input the app gets: one, or nothing
#   mise_sources    where this language's versions come from, for people
#   mise_remedy     what to do without them: lines that name the versions there are

mise_release=2026.9.15

# get_by_mise TITLE TOOL WANTED: sets tool_version, and tool_dir to where it lies. TOOL is mise's
# name, BACKEND:NAME[OPTIONS] for what it has no name for; WANTED is what the app asks for, for
# people.
get_by_mise() {
  local versions
  versions=$(versions_of_mise "$2")
  tool_version=$(kept_in "$versions" | choose_release)
  [[ -n $tool_version ]] || install_by_mise "$@"
  tool_dir=$versions/$tool_version
}

# versions_of_mise TOOL: the directory with a directory for each version.
versions_of_mise() {
  local name=${1%%[*}
  echo "$cache_dir/mise/installs/${name//:/-}"
}

# kept_in DIRECTORY: the versions that are whole: of what an interrupted build has left there is no
# such file.
kept_in() {
  local whole
  for whole in "$1"/*/.paas-whole; do
    [[ ! -f $whole ]] || basename "${whole%/*}"
  done
}

# One version is kept.
install_by_mise() {
  fetch_mise "$1" "$3"
  list_versions "$1" "$2" "$3"
  topic "Installing $1 $tool_version with mise"
  rm -rf "$versions"
  run_filter=without_progress run mise install "$2@$tool_version" || explain_mise "$1" "$tool_version"
  touch "$versions/$tool_version/.paas-whole"
}

# forget_mise: when all is there. It is large.
forget_mise() { rm -rf "$cache_dir/mise/program"; }

fetch_mise() {
  mise_dir=$cache_dir/mise/program/$mise_release
  [[ $(uname -m) == x86_64 ]] || fail "no $1 $2: mise, which installs it, is no package for $(uname -m)" "${mise_remedy[@]}"
  npm_cache=/tmp/npm-of-mise download_hint=${mise_remedy[0]} fetch_release mise @jdxcode/mise-linux-x64 "$mise_release" "$mise_dir"
}

# mise ARGUMENT...: with the settings that the app has as config vars, and without the files in its
# directory, which are HOME's too.
mise() {
  (cd / && HOME=/tmp/home-of-mise MISE_DATA_DIR=$cache_dir/mise MISE_CACHE_DIR=/tmp/cache-of-mise MISE_YES=1 \
    MISE_RUBY_COMPILE=${MISE_RUBY_COMPILE:-false} "$mise_dir/bin/mise" "$@")
}

# list_versions TITLE TOOL WANTED
list_versions() {
  local there
  there=$(mise ls-remote "$2" 2>"$run_log") || { indent <"$run_log" && explain_mise "$1" "$3"; }
  tool_version=$(choose_release <<<"$there")
  [[ -n $tool_version ]] || fail "${asked_in:-the app} asks for $1 $3, which mise does not know" \
    "The newest of each series: $(newest_of_each <<<"$there"). Write one of them, and push again."
}

# Of MAJOR.MINOR, without what is not released.
newest_of_each() {
  grep -xE '[0-9]+(\.[0-9]+)+' | sort -rV | awk -F. '!seen[$1 "." $2]++' | head -n 8 | paste -sd' '
}

without_progress() { sed -uE '/^(mise ░|mise █|  [a-z:]+@|mise by |mise WARN .* installed but not activated|To install and activate|  mise use )/d; /^$/d; /% Total|Dload|--:--:--/d; s/^mise [a-z]+@[^ ]+ //'; }

# explain_mise TITLE VERSION: the output was in $run_log.
explain_mise() {
  if said 'rate limit|status=403'; then
    fail "no $1 $2: GitHub answers no more questions of this server" \
      'Give mise a token of GitHub, which needs no rights: paas config:set GITHUB_TOKEN=TOKEN' "${mise_remedy[@]}"
  elif said 'BUILD FAILED' && ! said 'curl: \(|failed to download'; then
    fail "$1 $2 could not be compiled" 'The lines above say why.' "${mise_remedy[@]}"
  elif said 'error sending request|[Cc]ould not resolve|[Ff]ailed to (connect|download|clone)|failed to update|timed out|status=[45]|unable to access|HTTP status|curl: \('; then
    fail "no $1 $2: what mise would get it from is not reached" \
      "It comes from $mise_sources. A mirror can be named by config vars: paas config:set MISE_URL_REPLACEMENTS='{\"https://${mise_sources%%[ ,]*}\":\"https://MIRROR\"}'" \
      "${mise_remedy[@]}"
  fi
  fail "$1 $2 could not be installed" 'The lines above say why.' "${mise_remedy[@]}"
}
