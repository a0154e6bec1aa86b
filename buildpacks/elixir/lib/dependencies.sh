# Dependencies, by mix.lock: kept in the cache, and fetched when what decides has changed. Those
# that are in git with the app, in deps or by `path:`, are used as they are.

get_dependencies() {
  [[ -z $fetches || -f mix.lock || -n $vendored ]] ||
    fail 'there is no mix.lock' 'Run: mix deps.get  Then commit mix.lock, and push again.'
  get_rebar
  if [[ -n $vendored ]]; then
    topic 'Using the dependencies in deps'
  elif [[ -f mix.lock ]]; then
    topic 'Getting dependencies with mix deps.get'
    fetch_dependencies
  fi
}

fetch_dependencies() {
  local key status=0
  key=$(dependency_key)
  if [[ -f $root/deps.key && $(<"$root/deps.key") == "$key" ]]; then
    detail 'mix.lock has not changed: restoring the dependencies from the cache'
    return
  fi
  rm -f "$root/deps.key"
  run mix deps.get --only "$MIX_ENV" --check-locked || status=$?
  ((status == 0)) || explain_fetch "mix deps.get exited with $status"
  echo "$key" >"$root/deps.key"
}

dependency_key() {
  # shellcheck disable=SC2086 # names of several files
  { echo "$elixir_version $otp_version $MIX_ENV" && env | grep '^HEX_' | sort && cat mix.lock mix.exs $projects; } | sha256sum | cut -d' ' -f1
}


# Most libraries in Erlang are compiled with rebar3. Debian's needs packages of half a gigabyte for
# what is never called here, and is one file: it is unpacked without them.
get_rebar() {
  needs_rebar || return 0
  export MIX_REBAR3=$root/rebar3
  [[ ! -x $MIX_REBAR3 ]] || return 0
  topic 'Getting rebar3'
  run download_rebar || fail 'rebar3 cannot be had' 'A dependency that is written in Erlang is compiled with it.' \
    'The lines above say why the mirror of the stack is not reached. Push again, or tell the operator.'
}

download_rebar() (
  set -e
  work=$(mktemp -d)
  mkdir -p "$work/lists/partial" "$work/archives/partial"
  options=(-o Dir::State::lists="$work/lists" -o Dir::Cache="$work" -o Debug::NoLocking=true -o APT::Update::Error-Mode=any
    -o Acquire::Retries=1 -o Acquire::http::Timeout=20 -o Acquire::https::Timeout=20 --quiet=2)
  apt-get "${options[@]}" update
  cd "$work"
  apt-get "${options[@]}" download rebar3
  dpkg --extract rebar3_*.deb .
  cp usr/bin/rebar3 "$MIX_REBAR3"
)

needs_rebar() {
  if grep -qsE ':rebar3|\{:git,' mix.lock; then return 0; fi
  local file
  while read -r file; do
    [[ -f ${file%/*}/mix.exs ]] || return 0
  done < <(find -L . -maxdepth 4 -name rebar.config -not -path './_build/*')
  return 1
}
