# node_modules: as the lock file says, from the cache when nothing it depends on has changed.

install_dependencies() {
  ((dependencies > 0)) || [[ -n $workspaces ]] || return 0
  topic "Installing dependencies"
  if [[ -d node_modules ]]; then
    warn 'node_modules is in git; it is replaced by what is installed here. Add it to .gitignore.'
    rm -rf node_modules
  fi
  local key
  key=$(dependencies_key)
  if is_cached "$key"; then
    restore_node_modules
    [[ -n $lock_file ]] || install_with_"$manager"
  else
    install_with_"$manager"
    save_node_modules "$key"
    bound_cache "$cache_dir/npm" "$cache_dir/yarn" "$cache_dir/pnpm"
  fi
}

# Everything that decides what an install gives. Empty when that is more than these files: with workspaces.
dependencies_key() {
  [[ -z $workspaces ]] || return 0
  {
    echo "1 $dependencies_digest $node_version $(uname -m) $manager $manager_version ${needs_dev:-no}"
    env | grep -Ei '^(npm_config_|yarn_|pnpm_)' | grep -v '^npm_config_cache=' | sort || true
    for file in "${lock_file:-/dev/null}" .npmrc .yarnrc .yarnrc.yml .pnpmfile.cjs; do [[ ! -f $file ]] || cat "$file"; done
  } | sha256sum | cut -d' ' -f1
}

is_cached() { [[ -n $1 && -f $cache_dir/node_modules.key && $(<"$cache_dir/node_modules.key") == "$1" ]]; }

restore_node_modules() {
  detail "${lock_file:-package.json} has not changed: restoring $(<"$cache_dir/node_modules.count") packages from the cache"
  cp -a "$cache_dir/node_modules" node_modules
  [[ -n $lock_file ]] || return 0
  # shellcheck disable=SC2086 # names of scripts, one word each
  for script in $install_scripts; do run_or_fail "$manager" run "$script"; done
}

# The key is written last and removed first: what is interrupted is not used again.
save_node_modules() {
  rm -f "$cache_dir/node_modules.key"
  rm -rf "$cache_dir/node_modules"
  [[ -n $1 && -d node_modules ]] || return 0
  cp -a node_modules "$cache_dir/node_modules"
  find node_modules -name package.json -path '*node_modules/*' -prune | wc -l >"$cache_dir/node_modules.count"
  echo "$1" >"$cache_dir/node_modules.key"
}

install_with_npm() {
  local omit=--omit=dev
  [[ -z $needs_dev ]] || omit=--include=dev
  if [[ -z $lock_file ]]; then
    warn 'No lock file: every build may get other versions. Commit package-lock.json.'
    run_or_fail npm install --no-package-lock "$omit"
  elif ! run_filter=without_usage run npm ci "$omit"; then
    lacks_only_optional || explain_npm_ci
    warn "$lock_file lacks optional packages for other machines, which their registry did not have. Installing what it has."
    run_or_fail npm install --no-save "$omit"
  fi
}

# What npm says of all its options when it refuses a lock file hides why it does.
without_usage() { sed -u '/^npm error Clean install a project/,/^npm error Run "npm help/d'; }

# npm names a package that the lock file should have without a version when the registry has none that fits; that is an error
# for npm ci even where the package is optional, and none for npm install, which wrote the lock file.
lacks_only_optional() {
  grep -q '^npm error Missing: ' "$run_log" &&
    ! grep -E '^npm error (Missing|Invalid): ' "$run_log" | grep -qvE '^npm error Missing: [^ ]+@ from lock file$'
}

explain_npm_ci() {
  if grep -q 'in sync' "$run_log"; then
    fail 'npm ci exited with 1' "$lock_file does not match package.json." 'Run npm install, commit both files and push again.'
  fi
  fail 'npm ci exited with 1'
}

install_with_yarn() {
  if [[ $manager_version == 1.* ]]; then
    run yarn install --frozen-lockfile --production=false --cache-folder "$cache_dir/yarn" || explain_frozen yarn $?
  else
    YARN_ENABLE_GLOBAL_CACHE=true YARN_GLOBAL_FOLDER=$cache_dir/yarn YARN_NODE_LINKER=${YARN_NODE_LINKER:-node-modules} \
      run yarn install --immutable || explain_frozen yarn $?
  fi
}

# pnpm's store is in the cache, on another file system than the app: hard links are not to be had. With CI it asks nothing.
in_store() { CI=true npm_config_store_dir=$cache_dir/pnpm npm_config_package_import_method=copy "$@"; }

install_with_pnpm() {
  run in_store pnpm install --frozen-lockfile --prod=false --reporter append-only || explain_frozen pnpm $?
}

explain_frozen() {
  if grep -qE 'needs to be updated|would have been modified|OUTDATED_LOCKFILE' "$run_log"; then
    fail "$1 install exited with $2" "$lock_file does not match package.json." "Run $1 install, commit both files and push again."
  fi
  fail "$1 install exited with $2"
}

# Development dependencies were needed to build, and are not needed to run.
prune_dependencies() {
  [[ -n $needs_dev && -d node_modules && (-n $workspaces || $dev_dependencies -gt 0) ]] || return 0
  [[ $NODE_ENV == production && ${NPM_CONFIG_PRODUCTION:-} != false && ${YARN_PRODUCTION:-} != false ]] || return 0
  topic "Pruning development dependencies"
  case $manager in
    npm) run_or_fail npm prune --omit=dev --ignore-scripts --no-package-lock ;;
    pnpm) run in_store pnpm prune --prod --ignore-scripts || fail "pnpm prune exited with $?" ;;
    yarn)
      if [[ $manager_version == 1.* ]]; then
        run_or_fail yarn install --production --ignore-scripts --prefer-offline --frozen-lockfile --cache-folder "$cache_dir/yarn"
      else
        detail 'Yarn from version 2 on cannot prune; they stay.'
      fi
      ;;
  esac
}
