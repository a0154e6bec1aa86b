# PHP itself, and Composer: the stack's, in build and run image alike, or the one that is asked for,
# which mise installs and which goes along with the app, in the layer of its packages.

prepare_composer() {
  export COMPOSER_HOME=/tmp/composer COMPOSER_CACHE_DIR=$cache_dir/composer COMPOSER_NO_INTERACTION=1 COMPOSER_MEMORY_LIMIT=-1
  export COMPOSER_MIRROR_PATH_REPOS=0 COMPOSER_NO_AUDIT=1 COMPOSER_ALLOW_SUPERUSER=1
  php_version=$(php -r 'echo PHP_VERSION;')
  mkdir -p "$COMPOSER_HOME"
  [[ -z ${COMPOSER_GITHUB_OAUTH_TOKEN:-} ]] || composer config --global github-oauth.github.com "$COMPOSER_GITHUB_OAUTH_TOKEN"
}

choose_php() {
  asked_for_php
  if [[ -z $php_range || -n $(choose_release <<<"$php_version") ]]; then
    topic "Using PHP $php_version of the stack${asked_in:+ ($asked_in: $asked_version)}"
  else
    use_other_php
    topic "Using PHP $php_version ($asked_in: $asked_version)"
  fi
}

# Sets asked_version, asked_in, and php_range, as Composer writes it; all are empty when any will
# do. Files of version managers name one release of many that are alike: any of the stack's minor
# version is as good. Without them composer.json says.
asked_for_php() {
  local minor=${php_version%.*}
  php_range=
  asked_version php
  case $asked_version. in
    . | latest. | "${minor%%.*}". | "$minor".*) ;;
    *[!0-9.]* | .*) fail "$asked_in asks for PHP $asked_version, which is no version" 'Write one such as 8.3 or 8.3.14, and push again.' ;;
    *.*.*.) php_range=$asked_version ;;
    *) php_range="~$asked_version.0" ;;
  esac
  [[ -z $asked_version && -f composer.json ]] || return 0
  php_range=$(php -r 'echo json_decode(file_get_contents("composer.json"), true)["require"]["php"] ?? "";' 2>/dev/null)
  [[ -z $php_range ]] || { asked_version=$php_range asked_in=composer.json; }
}

# Builds with everything in them, such as there are for command line and fpm, of which each is a
# program.
use_other_php() {
  local minor=${php_version%.*} remedy series=$php_range
  remedy="Write $minor into $asked_in, or delete the line, and push again."
  [[ $asked_in != composer.json ]] ||
    remedy="Run: composer require php:^$minor  Then commit composer.json and composer.lock, and push again."
  mise_sources='dl.static-php.dev, which has the builds of StaticPHP'
  mise_remedy=("Without it there is PHP $php_version of the stack. $remedy")
  get_by_mise PHP "$(static_php fpm)" "$asked_version"
  fpm_dir=$tool_dir php_range=$tool_version
  get_by_mise PHP "$(static_php cli)" "$asked_version"
  forget_mise
  php_range=$series
  php_version=$tool_version php_dir=$tool_dir
  export PATH=$php_dir:$PATH
  runtime_key="php $php_version $(uname -m)"
}

# static_php cli|fpm: mise's name for it.
static_php() {
  local at=https://dl.static-php.dev/static-php-cli/bulk after=-$1-linux-x86_64.tar.gz
  echo "http:php-$1[url=$at/php-{{version}}$after,version_list_url=$at/?format=json,version_regex=php-([0-9.]+)$after]"
}

# choose_release: the newest on standard input that the app asks for.
choose_release() { /usr/bin/php "$pack_dir/lib/choose-release.php" "$php_range"; }

copy_runtime() {
  mkdir -p "$1/bin"
  cp -a "$php_dir/." "$fpm_dir/." "$1/bin/"
}

# Debian's begins with the stack's PHP.
composer() { php /usr/bin/composer "$@"; }

write_profile() {
  write_memory_profile
  {
    echo 'export PATH="$HOME/.paas/php/bin:$HOME/vendor/bin:$HOME/.paas/runtime/bin:$PATH"'
    framework_variables
  } >.profile.d/php.sh
  printf 'export PATH="%s/vendor/bin:%s$PATH"\n' "$build_dir" "${runtime_key:+$php_dir:}" >"$pack_dir/export"
}
