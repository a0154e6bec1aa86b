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
  if [[ -n $key && -f $cache_dir/node_modules.key && $(<"$cache_dir/node_modules.key") == "$key" ]]; then
    restore_node_modules
  else
    install_with_"$manager"
    save_node_modules "$key"
  fi
}

# Everything that decides what an install gives. Empty when that is more than files can tell: no lock file, or workspaces.
dependencies_key() {
  [[ -n $lock_file && -z $workspaces ]] || return 0
  {
    echo "1 $dependencies_digest $node_version $(uname -m) $manager $manager_version ${needs_dev:-no}"
    env | grep -Ei '^(npm_config_|yarn_|pnpm_)' | grep -v '^npm_config_cache=' | sort || true
    cat "$lock_file"
    for file in .npmrc .yarnrc .yarnrc.yml .pnpmfile.cjs; do [[ ! -f $file ]] || cat "$file"; done
  } | sha256sum | cut -d' ' -f1
}

restore_node_modules() {
  detail "$lock_file has not changed: restoring $(<"$cache_dir/node_modules.count") packages from the cache"
  cp -a "$cache_dir/node_modules" node_modules
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
  local omit=()
  [[ -n $needs_dev ]] && omit=(--include=dev) || omit=(--omit=dev)
  if [[ -n $lock_file ]]; then
    run npm ci "${omit[@]}" || explain_npm_ci $?
  else
    warn 'No lock file: every build may get other versions. Commit package-lock.json.'
    run_or_fail npm install --no-package-lock "${omit[@]}"
  fi
}

explain_npm_ci() {
  if grep -q 'in sync' "$run_log"; then
    fail "npm ci exited with $1" "$lock_file does not match package.json." 'Run npm install, commit both files and push again.'
  fi
  fail "npm ci exited with $1"
}

install_with_yarn() {
  if [[ $manager_version == 1.* ]]; then
    run yarn install --frozen-lockfile --production=false --cache-folder "$cache_dir/yarn" || explain_frozen yarn $?
  else
    YARN_ENABLE_GLOBAL_CACHE=true YARN_GLOBAL_FOLDER=$cache_dir/yarn YARN_NODE_LINKER=${YARN_NODE_LINKER:-node-modules} \
      run yarn install --immutable || explain_frozen yarn $?
  fi
}

install_with_pnpm() {
  run pnpm install --frozen-lockfile --prod=false --store-dir "$cache_dir/pnpm" --package-import-method copy || explain_frozen pnpm $?
}

explain_frozen() {
  if grep -qE 'needs to be updated|would have been modified|OUTDATED_LOCKFILE' "$run_log"; then
    fail "$1 install exited with $2" "$lock_file does not match package.json." "Run $1 install, commit both files and push again."
  fi
  fail "$1 install exited with $2"
}

# Development dependencies were needed to build, and are not needed to run.
prune_dependencies() {
  [[ -n $needs_dev && $dev_dependencies -gt 0 && -d node_modules ]] || return 0
  [[ $NODE_ENV == production && ${NPM_CONFIG_PRODUCTION:-} != false && ${YARN_PRODUCTION:-} != false ]] || return 0
  topic "Pruning development dependencies"
  case $manager in
    npm) run_or_fail npm prune --omit=dev --ignore-scripts --no-package-lock ;;
    pnpm) run_or_fail pnpm prune --prod --ignore-scripts ;;
    yarn)
      if [[ $manager_version == 1.* ]]; then
        run_or_fail yarn install --production --ignore-scripts --prefer-offline --frozen-lockfile --cache-folder "$cache_dir/yarn"
      else
        detail 'Yarn from version 2 on cannot prune; they stay.'
      fi
      ;;
  esac
}
