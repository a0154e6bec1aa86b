# Install scripts of dependencies, with the npm of the stack (lib/rebuild.mjs).

rebuild_order=/tmp/paas-rebuild rebuild_pid=''

# What is taken of npm loads for longer than most scripts run. So where the tree that a build begins
# with has such packages, and what they made is not kept, it begins when the build does, beside all
# that comes before, and waits.
begin_rebuild() {
  [[ -f .paas/tree ]] && ! has_kept_scripts || return 0
  prepare_rebuild
}

prepare_rebuild() {
  [[ -z $rebuild_pid && -f $survey ]] && (($(wc -l <"$survey") > 1)) || return 0
  mkfifo "$rebuild_order"
  rebuild_parts --later "$rebuild_order" >"$rebuild_order.said" 2>&1 &
  rebuild_pid=$!
}

# It was not needed.
end_rebuild() { [[ -z $rebuild_pid ]] || kill "$rebuild_pid" 2>/dev/null || true; }

# rebuild_with_npm NAME...: exits as rebuild.mjs does. Secrets of the environment are in no file.
rebuild_with_npm() {
  if [[ -z $rebuild_pid ]]; then
    run rebuild_parts "$@"
    return
  fi
  local status=0
  { printf '%s\0' "$#" "$@" && env "${unseen[@]}" --null; } >"$rebuild_order" &
  wait "$rebuild_pid" || status=$?
  run cat "$rebuild_order.said"
  rebuild_pid=
  return "$status"
}

rebuild_parts() {
  exec env ${unseen+"${unseen[@]}"} "$built_in_node/bin/node" "$pack_dir/lib/rebuild.mjs" "$built_in_node/lib/npm" "$cache_dir/compiled" "$@"
}
