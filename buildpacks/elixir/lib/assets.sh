# Compiling, and the assets of Phoenix.

# Where nothing comes between the two, mix release compiles: a start of Mix takes half a second.
compile_project() {
  [[ -z $release ]] || builds_assets || return 0
  topic "Compiling with mix (MIX_ENV=$MIX_ENV)"
  local status=0
  run mix compile || status=$?
  ((status == 0)) || explain_and_fail "mix compile exited with $status"
}

builds_assets() { has_alias assets.deploy || [[ -n $projects ]] || digests_assets; }
digests_assets() { has_dependency phoenix && grep -qs cache_static_manifest config/*.exs; }

# The alias assets.deploy is what `mix phx.new` makes; older apps have a script for it.
build_assets() {
  local directory
  for directory in assets apps/*/assets; do
    [[ ! -f $directory/package.json ]] || install_packages "$directory"
  done
  if has_alias assets.deploy; then
    run_task 'Building assets with mix assets.deploy' assets.deploy
  elif [[ -n $projects ]]; then
    build_assets_of_umbrella
  elif digests_assets; then
    run_task 'Digesting assets with mix phx.digest' phx.digest
  fi
  rm -rf assets/node_modules apps/*/assets/node_modules
}

build_assets_of_umbrella() {
  local file name
  for file in $projects; do
    name=${file%/mix.exs}
    name=${name##*/}
    ! grep -q '"assets.deploy"' "$file" || run_task "Building assets of $name with mix assets.deploy" "do" --app "$name" assets.deploy
  done
}

# install_packages DIRECTORY: what assets need of npm, and what a script `deploy` makes.
install_packages() {
  topic "Installing packages of $1 with npm"
  local command=install status=0
  [[ ! -f $1/package-lock.json ]] || command=ci
  export npm_config_cache=$cache_dir/npm npm_config_update_notifier=false npm_config_fund=false npm_config_audit=false
  bound_cache "$npm_config_cache"
  run npm --prefix "$1" "$command" || status=$?
  ((status == 0)) || fail "npm $command in $1 exited with $status" 'The lines above say why. Correct it and push again.'
  if ! has_alias assets.deploy && jq --exit-status .scripts.deploy "$1/package.json" >/dev/null 2>&1; then
    run npm --prefix "$1" run deploy || fail "npm run deploy in $1 failed" 'The lines above say why. Correct it and push again.'
  fi
}

# run_task TITLE TASK...
run_task() {
  topic "$1"
  shift
  local status=0
  run mix "$@" || status=$?
  ((status == 0)) || explain_and_fail "mix $* exited with $status"
}
