# The app's own scripts.

run_scripts() {
  local script=$1
  [[ -n $script ]] || return 0
  topic "Running $script"
  run_or_fail "$manager" run "$script"
}
