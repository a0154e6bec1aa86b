# What an app finds in its environment: as on Heroku, and what it may take of its dyno's memory.

write_profile() {
  local api
  api=$(ruby -e 'print Gem.ruby_api_version')
  write_memory_profile
  sed "s|RUBY_API|$api|" >.profile.d/ruby.sh <<'PROFILE'
export BUNDLE_APP_CONFIG="$HOME/.paas/bundler" BUNDLE_PATH="$HOME/.paas/bundle" BUNDLE_DEPLOYMENT=1 BUNDLE_VERSION=system
export BUNDLE_WITHOUT="${BUNDLE_WITHOUT:-development:test}" BUNDLE_GEMFILE="${BUNDLE_GEMFILE:-$HOME/Gemfile}"
export GEM_PATH="$HOME/.paas/bundle/ruby/RUBY_API"
export PATH="$HOME/bin:$GEM_PATH/bin:$HOME/.paas/runtime/bin:$PATH"
export RACK_ENV="${RACK_ENV:-production}" APP_ENV="${APP_ENV:-production}" RAILS_ENV="${RAILS_ENV:-production}"
export RAILS_LOG_TO_STDOUT="${RAILS_LOG_TO_STDOUT:-enabled}" RAILS_SERVE_STATIC_FILES="${RAILS_SERVE_STATIC_FILES:-enabled}"
# Many threads of Ruby take less memory so, or with an allocator that is made for them.
export MALLOC_ARENA_MAX="${MALLOC_ARENA_MAX:-2}"
[ "$JEMALLOC_ENABLED" != true ] || export LD_PRELOAD="${LD_PRELOAD:+$LD_PRELOAD:}libjemalloc.so.2"
# A process of a Rails app takes some 250 MiB. Puma reads this.
if [ -z "$WEB_CONCURRENCY" ]; then
  export WEB_CONCURRENCY=$((${paas_memory_mib:-512} / 256))
  [ "$WEB_CONCURRENCY" -ge 1 ] || WEB_CONCURRENCY=1
  [ "$WEB_CONCURRENCY" -le 16 ] || WEB_CONCURRENCY=16
fi
# Gems that run JavaScript look for a program to do it when they are loaded, though it is needed
# when assets are compiled only.
command -v node >/dev/null || export EXECJS_RUNTIME="${EXECJS_RUNTIME:-Disabled}"
PROFILE
  [[ -z $runtime_key ]] || echo "export BUNDLER_VERSION=${BUNDLER_VERSION@Q}" >>.profile.d/ruby.sh
  export GEM_PATH=$build_dir/$bundle/ruby/$api
  export PATH=$GEM_PATH/bin:$PATH RACK_ENV=${RACK_ENV:-production} RAILS_ENV=${RAILS_ENV:-production}
  {
    compgen -e BUNDLE | while read -r name; do echo "export $name=${!name@Q}"; done
    printf 'export GEM_PATH=%q PATH="%s/bin:$PATH"\n' "$GEM_PATH" "$GEM_PATH"
  } >"$pack_dir/export"
}
