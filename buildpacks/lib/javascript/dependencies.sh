# node_modules: what the lock file alone decides, in a workspace with each package.json, comes from
# the cache; install scripts, which may read any file of the app, run at every build. Where more
# decides than that, nothing comes from the cache but downloads (docs/decisions/0037, 0180).

install_dependencies() {
  ((dependencies > 0)) || [[ -n $workspaces$install_scripts ]] || return 0
  topic "Installing dependencies"
  if [[ -d node_modules && ! -f .paas/tree ]]; then
    warn 'node_modules is in git; it is replaced by what is installed here. Add it to .gitignore.'
    rm -rf node_modules
  fi
  if [[ -n $lock_decides ]] && uses_cache; then
    take_locked_tree
    run_install_scripts
  else
    drop_tree node_modules
    forget_tree node_modules
    choose_downloads
    install_with_"$manager"
    bound_downloads
  fi
}

bound_downloads() { bound_cache "$cache_dir/npm" "$cache_dir/yarn" "$cache_dir/pnpm" "$cache_dir/bun-packages"; }

uses_cache() {
  [[ ${NODE_MODULES_CACHE:-true} == false ]] || return 0
  detail 'NODE_MODULES_CACHE=false: the cache of installed packages is not used'
  return 1
}

# How many packages there are, and which have scripts.
survey=$cache_dir/node_modules.survey
# What the packages of a workspace have of their own: other versions, and links.
nested=$cache_dir/node_modules.nested.tar

take_locked_tree() {
  local key
  key=$(tree_key)
  list_members
  drop_nested
  if [[ -f $survey ]] && restore_tree node_modules "$key" && restore_nested; then
    detail "$lock_file has not changed: restoring $(head -1 "$survey") packages from the cache"
  else
    drop_tree node_modules
    forget_tree node_modules
    install_with_"$manager" --ignore-scripts
    "$built_in_node/bin/node" "$javascript/survey.mjs" . "${members[@]}" >"$survey"
    keep_nested
    [[ $manager != npm ]] || prepare_rebuild
    add_runtime_to node_modules
    # What the build makes may serve alone.
    keep_tree node_modules "$key" ${build_script:+maybe}
    bound_downloads
  fi
}

list_members() {
  members=()
  [[ -z $workspace_members ]] || mapfile -t members <<<"$workspace_members"
}

drop_nested() {
  local member
  for member in "${members[@]}"; do rm -rf "$member/node_modules"; done
}

keep_nested() {
  local member
  for member in "${members[@]}"; do
    [[ ! -d $member/node_modules ]] || printf '%s\0' "$member/node_modules"
  done | TAR_OPTIONS='' tar --create --file="$nested" --null --files-from=-
}

restore_nested() { ((${#members[@]} == 0)) || TAR_OPTIONS='' tar --extract --file="$nested"; }

# Everything that decides what an install gives, before any script runs.
tree_key() {
  {
    echo "3 $dependencies_digest $node_version $(uname -m) $manager $manager_version $(with_dev && echo dev)"
    env | grep -Ei '^(npm_config_|yarn_|pnpm_|bun_)' | grep -vE '^(npm_config_cache|BUN_INSTALL_CACHE_DIR)=' | sort || true
    for file in "$lock_file" .npmrc $(settings_of_"$manager"); do [[ ! -f $file ]] || cat "$file"; done
  } | sha256sum | cut -d' ' -f1
}

settings_of_npm() { :; }
settings_of_yarn() { echo .yarnrc .yarnrc.yml; }
settings_of_pnpm() { echo pnpm-workspace.yaml; }
settings_of_bun() { echo bunfig.toml; }

# The dependencies' scripts, then the app's own. Yarn from 2 on and pnpm know which have not run
# yet.
run_install_scripts() {
  ! ignores_scripts || return 0
  local names
  mapfile -t names < <(tail -n +2 "$survey")
  if is_yarn_berry; then
    install_with_yarn
  elif [[ $manager == pnpm ]]; then
    [[ -z ${names[*]}$install_scripts ]] || run in_store pnpm ${workspaces:+--recursive} rebuild --pending || install_anew
  elif [[ $manager == bun ]]; then
    [[ -z ${names[*]}$install_scripts ]] || install_again_with_bun "${names[@]}"
  elif ((${#names[@]} == 0)) || rebuild "${names[@]}"; then
    run_own_scripts
  else
    install_anew
  fi
}

# How the npm of the stack does this is known (nodejs/lib/rebuild.sh); of others only that they do.
rebuild() {
  hide_from_scripts
  # It may have changed the tree.
  if [[ -n $prebuild_script ]]; then
    rebuild_now "$@"
    return
  fi
  if take_kept_scripts; then
    detail "Nothing that the install scripts of $* see has changed: using what they made before"
    return
  fi
  watch_scripts
  rebuild_now "$@" || return
  keep_scripts
}

rebuild_now() {
  local status=75
  detail "Running the install scripts of $*"
  if [[ $manager == npm && $node_dir == "$built_in_node" && $manager_version == "$npm_of_stack_version" ]]; then
    status=0
    rebuild_with_npm "$@" || status=$?
  fi
  ((status == 75)) || return "$status"
  run env "${unseen[@]}" npm rebuild "$@"
}

# The script that failed may be one of an optional package, which an install then leaves out, and a
# rebuild does not.
install_anew() {
  detail 'An install script failed: installing again, without optional packages that cannot be installed'
  rm -rf node_modules
  drop_nested
  install_with_"$manager"
}

run_own_scripts() {
  local script
  # shellcheck disable=SC2086 # names of scripts, one word each
  for script in $install_scripts; do run_or_explain "$manager" run "$script"; done
}

ignores_scripts() {
  [[ ${NPM_CONFIG_IGNORE_SCRIPTS:-${npm_config_ignore_scripts:-}} == true ]] ||
    grep -qsEi '^ignore-?scripts[ =:]+"?true' .npmrc .yarnrc pnpm-workspace.yaml
}

is_yarn_berry() { [[ $manager == yarn && $manager_version != 1.* ]]; }

# They are kept where the app runs for development too; its own scripts may need them while it is
# built.
keeps_dev() { [[ $NODE_ENV != production || ${NPM_CONFIG_PRODUCTION:-} == false || ${YARN_PRODUCTION:-} == false ]]; }
with_dev() { [[ -n $needs_dev ]] || keeps_dev; }

prune_dependencies() {
  [[ -d node_modules && (-n $workspaces || $dev_dependencies -gt 0) ]] || return 0
  ! keeps_dev || return 0
  [[ -n $needs_dev ]] || is_yarn_berry || return 0
  topic "Pruning development dependencies"
  # In a workspace pnpm's own takes all from the packages (pnpm.io/cli/prune).
  if [[ $manager == pnpm && -z $workspaces ]]; then
    run in_store pnpm prune --prod --ignore-scripts || fail "pnpm prune exited with $?"
  else
    run_or_fail "$built_in_node/bin/node" "$javascript/prune.mjs" .
  fi
}
