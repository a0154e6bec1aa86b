# What mix.exs says, and where Mix finds and leaves its files.

# What was fetched and compiled stays in the cache: Mix compiles again what has changed. Links lead
# there for programs that look for it in its usual place, as bundlers of assets do.
prepare_mix() {
  root=$(builtin cd "$cache_dir/elixir" && pwd)
  export MIX_ENV=${MIX_ENV:-prod} MIX_BUILD_ROOT=$root/build MIX_HOME=$root/mix HEX_HOME=$root/hex LANG=${LANG:-C.UTF-8}
  [[ -z ${SSL_CERT_FILE:-} ]] || export HEX_CACERTS_PATH=${HEX_CACERTS_PATH:-$SSL_CERT_FILE}
  export PATH=$PATH:/usr/lib/paas/bin
  unset MIX_BUILD_PATH MIX_DEPS_PATH
  bound_cache "$root/deps" "$HEX_HOME" "$MIX_BUILD_ROOT"
  rm -rf _build
  # Mix goes by the time of a file, and a checkout has that of its commit.
  /usr/lib/paas/bin/node "$pack_dir/../lib/times.mjs" "$root/times.json"
  vendored=
  if [[ -d deps && -n $(ls -A deps) ]]; then
    vendored=yes
  else
    rm -rf deps
    export MIX_DEPS_PATH=$root/deps
    mkdir -p "$MIX_DEPS_PATH"
    ln -s "$MIX_DEPS_PATH" deps
  fi
  mkdir -p "$MIX_BUILD_ROOT/$MIX_ENV/lib" "_build/$MIX_ENV"
  ln -s "$MIX_BUILD_ROOT/$MIX_ENV/lib" "_build/$MIX_ENV/lib"
}

# read_project: sets asked_elixir, elixir_fits, release, named_release, own_cookie,
# fetches, aliases, deps and projects (of an umbrella).
read_project() {
  local plan
  if ! plan=$(elixir "$pack_dir/lib/plan.exs" 2>"$run_log"); then
    indent <"$run_log"
    fail 'mix.exs cannot be read' 'The lines above say why. Correct it and push again.'
  fi
  mapfile -t plan <<<"$plan"
  asked_elixir=${plan[0]} elixir_fits=${plan[1]} release=${plan[2]} named_release=${plan[3]:+${plan[2]}} own_cookie=${plan[4]}
  fetches=${plan[5]} aliases=${plan[6]} deps=${plan[7]} projects=${plan[8]}
}

has_alias() { [[ " $aliases " == *" $1 "* ]]; }

# has_dependency NAME: of the project or one of an umbrella.
has_dependency() {
  # shellcheck disable=SC2086 # names of several files
  [[ " $deps " == *" $1 "* ]] || { [[ -n $projects ]] && grep -qsE "\{:$1," $projects; }
}

# setting NAME: what elixir_buildpack.config, of the pack that Heroku's users know, says.
setting() {
  [[ ! -f elixir_buildpack.config ]] ||
    sed -nE "s/^[[:space:]]*$1[[:space:]]*=[[:space:]]*[\"']?([^\"'#]*)[\"']?.*/\1/p" elixir_buildpack.config | sed 's/[[:space:]]*$//' | tail -n 1
}
