# PHP itself, the one of the stack in build and run image alike, and Composer.

prepare_composer() {
  export COMPOSER_HOME=/tmp/composer COMPOSER_CACHE_DIR=$cache_dir/composer COMPOSER_NO_INTERACTION=1 COMPOSER_MEMORY_LIMIT=-1
  export COMPOSER_MIRROR_PATH_REPOS=0 COMPOSER_NO_AUDIT=1 COMPOSER_ALLOW_SUPERUSER=1
  php_version=$(php -r 'echo PHP_VERSION;')
  mkdir -p "$COMPOSER_HOME"
  [[ -z ${COMPOSER_GITHUB_OAUTH_TOKEN:-} ]] || composer config --global github-oauth.github.com "$COMPOSER_GITHUB_OAUTH_TOKEN"
}

# composer.json has the last word, and Composer says itself when it asks for another PHP. Files of
# version managers name one release of many that are alike: any of the same minor version will do.
check_php() {
  local minor=${php_version%.*}
  asked_version php
  case $asked_version. in
    . | latest. | "${minor%%.*}". | "$minor".*) ;;
    *)
      fail "$asked_in asks for PHP $asked_version, but this stack has $php_version" \
        "Write $minor into $asked_in, or delete the line, and push again." 'For another PHP the app can be built by a Dockerfile.'
      ;;
  esac
  topic "Using PHP $php_version of the stack${asked_in:+ ($asked_in: $asked_version)}"
}

write_profile() {
  write_memory_profile
  {
    echo 'export PATH="$HOME/.paas/php/bin:$HOME/vendor/bin:$PATH"'
    framework_variables
  } >.profile.d/php.sh
  printf 'export PATH="%s/vendor/bin:$PATH"\n' "$build_dir" >"$pack_dir/export"
}
