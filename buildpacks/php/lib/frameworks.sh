# What Laravel and Symfony want before they are served.

find_framework() {
  framework=
  if [[ -f artisan ]] && has_package laravel/framework; then
    framework=laravel
    export APP_ENV=${APP_ENV:-production}
  elif [[ -f bin/console ]] && { has_package symfony/framework-bundle || has_package symfony/symfony; }; then
    framework=symfony
    export APP_ENV=${APP_ENV:-prod} APP_DEBUG=${APP_DEBUG:-0}
  fi
  [[ -z $framework ]] || detail "A $framework app: APP_ENV is $APP_ENV"
}

prepare_framework() {
  case $framework in
    laravel) prepare_laravel ;;
    symfony) prepare_symfony ;;
  esac
  [[ ! -f package.json ]] || hint_assets
}

# Views do not depend on config vars, as configuration and routes do.
prepare_laravel() {
  topic 'Compiling views'
  mkdir -p bootstrap/cache storage/framework/{cache/data,sessions,views} storage/logs
  run php artisan view:cache || explain_framework "artisan view:cache exited with $?"
  [[ -n ${APP_KEY:-} || -f .env ]] || warn 'APP_KEY is not set: Laravel answers every request with an error.' \
    "Set it: paas config:set APP_KEY=base64:$(head -c 32 /dev/urandom | base64)"
}

# Symfony's own recipe does it as a script of Composer.
prepare_symfony() {
  [[ ! -d var/cache/$APP_ENV ]] || return 0
  topic 'Warming up the cache of Symfony'
  run php bin/console cache:clear || explain_framework "console cache:clear exited with $?"
}

framework_variables() {
  case $framework in
    laravel) printf 'export %s\n' 'APP_ENV="${APP_ENV:-production}"' 'APP_DEBUG="${APP_DEBUG:-false}"' 'LOG_CHANNEL="${LOG_CHANNEL:-stderr}"' ;;
    symfony) printf 'export %s\n' 'APP_ENV="${APP_ENV:-prod}"' 'APP_DEBUG="${APP_DEBUG:-0}"' ;;
  esac
}

hint_assets() {
  [[ ! -d node_modules && ! -d public/build ]] || return 0
  grep -qE '"build"[[:space:]]*:' package.json || return 0
  warn 'package.json has a build script, which this pack does not run.' 'To build assets too: paas buildpacks:set nodejs php'
}
