# What Composer installs. `vendor` as the lock file decides it is kept; autoloader and scripts,
# which read the app's own code, come at every build.

install_packages() {
  if [[ ! -f composer.json ]]; then
    detail 'No composer.json: nothing to install'
    return
  fi
  check_lock
  topic 'Installing packages with Composer'
  if [[ -f vendor/composer/installed.json && ! -f .paas/tree ]]; then
    detail 'vendor is part of the app: it is used as far as it is as composer.lock says'
  elif ! is_decided_by_lock; then
    drop_tree vendor
    forget_tree vendor
  else
    take_locked_tree
  fi
  composer_install --optimize-autoloader
  bound_cache "$COMPOSER_CACHE_DIR"
  [[ -z $(script compile) ]] || run composer run-script --no-dev compile || fail "composer compile exited with $?"
}

check_lock() {
  local names
  if ! names=$(php -r 'echo implode(" ", array_filter(array_keys((array) (json_decode(file_get_contents("composer.json"), false, 512, JSON_THROW_ON_ERROR)->require ?? [])), fn($name) => str_contains($name, "/")));' 2>/dev/null); then
    fail 'composer.json is not JSON' 'Run: composer validate  Correct what it says, and push again.'
  fi
  [[ -f composer.lock || -z $names ]] ||
    fail 'there is no composer.lock' 'Run: composer update  Then commit composer.lock, and push again.'
}

# Packages that lie in the app may change without the lock file.
is_decided_by_lock() {
  [[ -f composer.lock ]] && ! grep -qE '"type": "path"' composer.lock
}

take_locked_tree() {
  local key
  key=$({ php --version | head -n 1 && env | grep '^COMPOSER_' | sort && sha256sum composer.lock && php -r "$what_counts"; } | sha256sum | cut -d' ' -f1)
  if restore_tree vendor "$key"; then
    detail 'composer.lock has not changed: restoring the packages from the cache'
    return
  fi
  drop_tree vendor
  forget_tree vendor
  composer_install --no-scripts --no-autoloader
  add_runtime_to vendor
  keep_tree vendor "$key"
}

# Of composer.json what says how packages are installed.
what_counts='$a = json_decode(file_get_contents("composer.json"), true);
  echo json_encode([$a["config"] ?? 0, $a["extra"] ?? 0, $a["repositories"] ?? 0, $a["require"] ?? 0]);'

composer_install() {
  run_filter=without_advice run composer install --no-dev --prefer-dist --no-progress "$@" || explain_install $?
}

# Of a long list of files that are none of the app's, and of all options.
without_advice() { sed -uE '/^    - \/etc\/php/d; /^To enable extensions|^You can also run `php --ini|^install \[--/d'; }

# script NAME: what composer.json has under that name, or nothing.
script() { php -r 'echo json_encode(json_decode(file_get_contents("composer.json"), true)["scripts"][$argv[1]] ?? null) ?: "";' "$1" | grep -v '^null$' || true; }

# has_package NAME: whether the lock file has it.
has_package() { grep -qsF "\"name\": \"$1\"" composer.lock; }
