# What the app imports: in Deno's own cache, which is in the app. Where deno.lock decides what it
# holds, Deno and its cache are a tree (lib/tree.sh); else Deno alone is.

tree=.paas/deno

install_dependencies() {
  topic "Installing dependencies"
  export DENO_DIR=$build_dir/$tree/cache
  if [[ -f deno.lock ]]; then
    take_locked_tree
  else
    [[ ! -f deno.json && ! -f deno.jsonc && ! -f package.json ]] ||
      warn 'No deno.lock: every build may get other versions. Run: deno install  Then commit deno.lock.'
    take_deno
    fetch_all
  fi
}

take_locked_tree() {
  local key
  key=$(tree_key)
  if restore_tree $tree "$key"; then
    detail 'deno.lock has not changed: restoring the dependencies from the cache'
    fetch_all --frozen
  else
    begin_tree
    fetch_all --frozen
    drop_what_is_compiled
    keep_tree $tree "$key"
  fi
}

take_deno() {
  restore_tree $tree "alone $deno_version" && return
  begin_tree
  keep_tree $tree "alone $deno_version"
}

begin_tree() {
  drop_tree $tree
  forget_tree $tree
  mkdir -p $tree/bin
  cp -a "$deno_dir/deno" $tree/bin/
}

tree_key() {
  {
    echo "1 $deno_version $(uname -m) $entry"
    for file in deno.lock deno.json deno.jsonc package.json .npmrc; do [[ ! -f $file ]] || cat "$file"; done
  } | sha256sum | cut -d' ' -f1
}

# fetch_all OPTION...: what deno.json and package.json name, then what the program does.
fetch_all() {
  if [[ -f deno.json || -f deno.jsonc || -f package.json ]]; then
    run deno install "$@" || explain_and_fail "deno install exited with $?"
  fi
  [[ -z $entry ]] || run deno cache --allow-import "$@" "$entry" || explain_and_fail "deno cache $entry exited with $?"
}

# The app's own files, as they were compiled at this place: not what the lock file decides, nor
# found where the app runs.
drop_what_is_compiled() { rm -rf $tree/cache/gen $tree/cache/*_cache_v*; }

run_build() {
  [[ -n $build_task ]] || return 0
  topic "Running build"
  run deno task build || explain_and_fail "deno task build exited with $?"
}

# Only node_modules has packages for development: what deno.json names is there to run. What
# deno.lock has `deno install --prod` leaves.
prune_dependencies() {
  drop_what_is_compiled
  [[ -d node_modules && $dev_dependencies -gt 0 ]] || return 0
  topic "Pruning development dependencies"
  run_or_fail "$built_in_node/bin/node" "$pack_dir/../lib/javascript/prune.mjs" .
}
