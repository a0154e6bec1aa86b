# Assets of Rails apps and Bootsnap's cache, which are made while building.

is_rails() { has_gem railties && [[ -f Rakefile && -f config/application.rb ]]; }

compile_assets() {
  is_rails || return 0
  keep_secret
  compiles_assets || return 0
  if [[ -n $(compgen -G 'public/assets/.sprockets-manifest-*.json' || compgen -G 'public/assets/manifest-*.json' || compgen -G 'public/assets/.manifest.json') ]]; then
    detail 'public/assets has a manifest: assets are taken as they are'
    return
  fi
  topic 'Compiling assets'
  restore_directory tmp/cache/assets
  local status=0
  run with_placeholders bundle exec rake assets:precompile || status=$?
  ((status == 0)) || said "Don't know how to build task .assets:precompile" || explain_assets "$status"
  keep_directory tmp/cache/assets
}

compiles_assets() {
  local name
  for name in sprockets-rails sprockets propshaft jsbundling-rails cssbundling-rails shakapacker vite_rails; do
    ! has_gem "$name" || return 0
  done
  return 1
}

# with_placeholders COMMAND...: Rails wants a secret and a database to be named even where it uses
# neither (guides.rubyonrails.org, "Precompiling Assets").
with_placeholders() {
  local placeholders=() adapter=
  if has_gem pg; then adapter=postgresql; elif has_gem mysql2; then adapter=mysql2; elif has_gem trilogy; then adapter=trilogy; fi
  has_secret || placeholders+=(SECRET_KEY_BASE_DUMMY=1 SECRET_KEY_BASE=for-assets-only)
  [[ -n ${DATABASE_URL:-} || -z $adapter ]] || placeholders+=("DATABASE_URL=$adapter://user:password@127.0.0.1/none")
  env "${placeholders[@]}" "$@"
}

# has_secret: a config var, or credentials and the key to them.
has_secret() {
  [[ -n ${SECRET_KEY_BASE:-} ]] && return
  [[ -n $(compgen -G 'config/credentials*.enc' || compgen -G 'config/credentials/production.*enc') ]] || return
  [[ -n ${RAILS_MASTER_KEY:-} || -f config/master.key || -f config/credentials/production.key ]]
}

compile_bootsnap() {
  has_gem bootsnap && [[ -d $bundle ]] || return 0
  grep -qs bootsnap config/boot.rb || return 0
  topic 'Compiling what Bootsnap caches'
  restore_directory tmp/cache/bootsnap
  local what=() directory
  [[ -z $gems_are_new && -d tmp/cache/bootsnap ]] || what+=(--gemfile)
  for directory in app lib config; do [[ ! -d $directory ]] || what+=("$directory/"); done
  run bundle exec bootsnap precompile "${what[@]}" || warn 'Bootsnap could not be run: the app starts without its cache.'
  keep_directory tmp/cache/bootsnap
}

restore_directory() {
  if [[ -d $cache_dir/directories/$1 && ! -e $1 ]]; then
    mkdir -p "$(dirname "$1")"
    cp -a "$cache_dir/directories/$1" "$1"
  fi
}

keep_directory() {
  bound_cache "$1"
  rm -rf "$cache_dir/directories/$1"
  [[ -d $1 ]] || return 0
  mkdir -p "$(dirname "$cache_dir/directories/$1")"
  cp -a "$1" "$cache_dir/directories/$1"
}

# An app without a secret of its own gets one, as on Heroku: the same from build to build.
keep_secret() {
  ! has_secret || return 0
  local file=$cache_dir/secret-key-base
  [[ -s $file ]] || (umask 077 && head -c 64 /dev/urandom | od -An -tx1 | tr -d ' \n' >"$file")
  printf 'export SECRET_KEY_BASE="${SECRET_KEY_BASE:-%s}"\n' "$(<"$file")" >.profile.d/ruby-secret.sh
}
