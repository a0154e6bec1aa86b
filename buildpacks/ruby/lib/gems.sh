# The gems, in a directory that the lock file decides: from the cache when nothing that decides has
# changed.

# install_gems: sets gems_are_new if they were installed.
install_gems() {
  topic 'Installing gems with Bundler'
  local key
  gems_are_new=
  key=$(tree_key)
  if restore_tree "$bundle" "$key"; then
    detail 'Gemfile.lock has not changed: restoring the gems from the cache'
  else
    gems_are_new=yes
    drop_tree "$bundle"
    forget_tree "$bundle"
    run_filter=without_reused run bundle install || explain_install
    # The archives, which Bundler has kept in the cache.
    rm -rf "$bundle"/ruby/*/cache
    [[ -z $runtime_key ]] || name_no_ruby
    add_runtime_to "$bundle"
    keep_tree "$bundle" "$key"
    bound_cache "$BUNDLE_USER_CACHE"
  fi
  rm -f vendor/cache/*.gem
}

tree_key() {
  local files
  IFS=$'\t' read -ra files <<<"$gemfiles"
  shopt -s nullglob
  { ruby --version && env | grep '^BUNDLE_' | sort && sha256sum Gemfile.lock "${files[@]}" ./*.gemspec Aptfile*; } | sha256sum | cut -d' ' -f1
  shopt -u nullglob
}

# Programs of gems begin with where this Ruby lies, which is not where it runs.
name_no_ruby() {
  local programs
  shopt -s nullglob
  programs=("$bundle"/ruby/*/bin/*)
  shopt -u nullglob
  ((${#programs[@]} == 0)) || sed -i '1s|^#!.*ruby[0-9.]*$|#!/usr/bin/env ruby|' "${programs[@]}"
}

without_reused() { sed -uE '/^Using /d'; }
