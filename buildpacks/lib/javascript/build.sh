# The app's own scripts.

run_scripts() {
  local script=$1
  [[ -n $script ]] || return 0
  topic "Running $script"
  run_or_explain "$(runner_of "$script")" run "$script"
}

# The build script of the app, or that of the package of a workspace which is the app.
run_build() {
  if [[ -n $build_script ]]; then
    run_scripts "$build_script"
  elif [[ -n $app_builds ]]; then
    topic "Running build in $app_directory"
    builtin cd "$app_directory" || fail "$app_directory is gone"
    run_or_explain "$manager" run build
    builtin cd "$build_dir" || fail "$build_dir is gone"
  fi
}

# Yarn from 2 on runs nothing before it has installed.
runner_of() { if [[ $1 == heroku-prebuild ]] && is_yarn_berry; then echo npm; else echo "$manager"; fi; }

# What build tools keep to be quick the next time: kept from build to build, and no part of the
# slug. `cacheDirectories` in package.json names more of them, as on Heroku.
restore_tool_caches() {
  [[ ${NODE_MODULES_CACHE:-true} != false ]] || return 0
  local directory
  while read -r directory; do
    [[ -d $cache_dir/tools/$directory && ! -e $directory ]] || continue
    mkdir -p "$(dirname "$directory")"
    cp -a "$cache_dir/tools/$directory" "$directory"
  done <<<"$tool_caches"
}

save_tool_caches() {
  local directory
  rm -rf "$cache_dir/tools"
  while read -r directory; do
    [[ -n $directory && -d $directory ]] || continue
    mkdir -p "$(dirname "$cache_dir/tools/$directory")"
    mv "$directory" "$cache_dir/tools/$directory"
  done <<<"$tool_caches"
}

# Which package of a workspace is the app, by the config vars that buildpacks for this have at
# Heroku.
project_path() {
  local name
  for name in PROJECT_PATH APP_BASE; do
    if [[ -f $env_dir/$name ]]; then echo "$(<"$env_dir/$name")" && return; fi
  done
}
