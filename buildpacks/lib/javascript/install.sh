# How each package manager installs what the lock file says. An argument is an option:
# --ignore-scripts.

# npm and Yarn take an archive that lies in the app out of their download cache, by name, when it
# has changed.
choose_downloads() {
  downloads=$cache_dir
  [[ -n $lock_has_archives ]] || return 0
  downloads=$(mktemp -d)
  export npm_config_cache=$downloads/npm
}
downloads=$cache_dir

install_with_npm() {
  local omit=--omit=dev
  ! with_dev || omit=--include=dev
  if [[ -z $lock_file ]]; then
    ((dependencies == 0)) || warn 'No lock file: every build may get other versions. Commit package-lock.json.'
    run_or_explain npm install --no-package-lock "$omit" "$@"
  elif ! run_filter=without_usage run npm ci "$omit" "$@"; then
    lacks_only_optional || explain_npm_ci
    warn "$lock_file lacks optional packages for other machines, which their registry did not have. Installing what it has."
    run_or_explain npm install --no-save "$omit" "$@"
  fi
}

# What npm says of all its options when it refuses a lock file hides why it does.
without_usage() { sed -u '/^npm error Clean install a project/,/^npm error Run "npm help/d'; }

# npm names a package that the lock file should have without a version when the registry has none
# that fits; that is an error for npm ci even where the package is optional, and none for npm
# install, which wrote the lock file.
lacks_only_optional() {
  grep -q '^npm error Missing: ' "$run_log" &&
    ! grep -E '^npm error (Missing|Invalid): ' "$run_log" | grep -qvE '^npm error Missing: [^ ]+@ from lock file$'
}

explain_npm_ci() {
  if grep -q 'in sync' "$run_log"; then
    fail 'npm ci exited with 1' "$lock_file does not match package.json." 'Run npm install, commit both files and push again.'
  elif [[ -n $lock_has_archives ]] && grep -q EINTEGRITY "$run_log"; then
    fail 'npm ci exited with 1' "An archive in the app does not match $lock_file." \
      'Install it anew (npm install ./NAME.tgz), commit both and push again.'
  fi
  explain_node
  fail 'npm ci exited with 1'
}

install_with_yarn() {
  if ! is_yarn_berry; then
    local production=true
    ! with_dev || production=false
    run yarn install --frozen-lockfile --production=$production --cache-folder "$downloads/yarn" "$@" || explain_frozen yarn $?
  else
    local options=(--immutable)
    [[ ${1:-} != --ignore-scripts ]] || options+=("$(skip_build)")
    YARN_ENABLE_GLOBAL_CACHE=true YARN_GLOBAL_FOLDER=$downloads/yarn run yarn install "${options[@]}" || explain_frozen yarn $?
  fi
}

skip_build() { [[ $manager_version == 2.* ]] && echo --skip-builds || echo --mode=skip-build; }

# pnpm's store is in the cache, on another file system than the app: hard links are not to be had.
# With CI it asks nothing. What scripts made is not taken from the store: they may have read files
# of the app. pnpm from 11 on reads its own names only.
in_store() {
  CI=true npm_config_store_dir=$cache_dir/pnpm npm_config_package_import_method=copy npm_config_side_effects_cache=false \
    pnpm_config_store_dir=$cache_dir/pnpm pnpm_config_package_import_method=copy pnpm_config_side_effects_cache=false "$@"
}

install_with_pnpm() {
  local production=true
  ! with_dev || production=false
  run in_store pnpm install --frozen-lockfile --prod=$production --reporter append-only "$@" || explain_frozen pnpm $?
}

# Bun runs scripts of those packages only that it or the app trusts.
install_with_bun() {
  local options=()
  [[ -z $lock_file ]] || options+=(--frozen-lockfile)
  with_dev || options+=(--production)
  export BUN_INSTALL_CACHE_DIR=$downloads/bun-packages
  run bun install --no-progress "${options[@]}" "$@" || explain_frozen bun $?
}

# install_again_with_bun NAME...: Bun runs scripts of what it has just installed.
install_again_with_bun() {
  local name member
  for name in "$@"; do
    rm -rf "node_modules/$name" "node_modules/.bun/${name//\//+}@"*
    for member in "${members[@]}"; do rm -rf "$member/node_modules/$name"; done
  done
  install_with_"$manager"
}

explain_frozen() {
  if grep -qE 'needs to be updated|would have been modified|OUTDATED_LOCKFILE|lockfile is frozen' "$run_log"; then
    fail "$1 install exited with $2" "$lock_file does not match package.json." "Run $1 install, commit both files and push again."
  fi
  explain_node
  fail "$1 install exited with $2"
}
