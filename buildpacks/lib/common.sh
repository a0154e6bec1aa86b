# Sourced by the packs: Heroku's output form, failing with a reason, config vars, time limits of
# what is remembered.

topic() { echo "-----> $*"; }
detail() { echo "       $*"; }
warn() { printf ' !     %s\n' "$@"; }
indent() { sed -u 's/^/       /'; }

# fail REASON [LINE...]: ends the build. The reason is what git shows beside the ref; the lines say
# what to do.
fail() {
  local reason=$1
  shift
  (($# == 0)) || warn "$@"
  printf '%s' "$reason" >"${PAAS_REASON_FILE:-/dev/null}"
  exit 1
}

# run COMMAND...: shows its output indented, through $run_filter if that is set, keeps it in
# $run_log, and gives its exit code.
run_log=/tmp/paas-run.log
run() {
  "$@" </dev/null 2>&1 | tee "$run_log" | "${run_filter:-cat}" | indent
  return "${PIPESTATUS[0]}"
}

# run_or_fail COMMAND...: as run; a failure ends the build with "COMMAND exited with N".
run_or_fail() {
  local status=0
  run "$@" || status=$?
  ((status == 0)) || fail "$(describe "$@") exited with $status"
}

# The first words of a command, up to its first option: what a person would call it.
describe() {
  local words=()
  for word in "$@"; do
    [[ $word == -* || ${#words[@]} -ge 3 ]] && break
    words+=("${word##*/}")
  done
  echo "${words[*]}"
}

# Config vars into the environment, for the app's own build scripts, but for those that would break
# the pack itself: what its tools look for at start, and names it uses.
export_config_vars() {
  local _file _key
  for _file in "$1"/*; do
    _key=${_file##*/}
    [[ -f $_file && $_key =~ ^[A-Za-z_][A-Za-z0-9_]*$ ]] || continue
    [[ ! -v $_key || $(declare -p "$_key") == 'declare -x'* ]] || continue
    case $_key in
      PATH | HOME | GIT_DIR | BASH_ENV | CPATH | CPPATH | LD_PRELOAD | LD_LIBRARY_PATH | LIBRARY_PATH | PYTHONHOME | PYTHONPATH) ;;
      *) export "$_key=$(<"$_file")" ;;
    esac
  done
}

# Tools that come with certificates of their own also trust what the machine trusts: a company's
# proxy, for example.
trust_machine_certificates() {
  local bundle=/etc/ssl/certs/ca-certificates.crt
  [[ -f $bundle ]] || return 0
  export NODE_EXTRA_CA_CERTS=$bundle SSL_CERT_FILE=$bundle REQUESTS_CA_BUNDLE=$bundle PIP_CERT=$bundle
}

# What the command has said that has failed: its output is in $run_log.
# said PATTERN: whether it matches (grep -E).
said() { grep -qE "$1" "$run_log"; }
# matched PATTERN: the first thing that it matches (Perl's), or nothing.
matched() { grep -m1 -oP "$1" "$run_log" || true; }

# explain_and_fail REASON: with the remedy, where `explain` of the pack knows it.
explain_and_fail() {
  explain
  fail "$1" 'The lines above say why. Correct it and push again.'
}

# bound_cache DIRECTORY...: what downloads have left there is begun again when it has grown beyond
# all use, or beyond $cache_most_mib.
bound_cache() {
  local directory
  for directory in "$@"; do
    if [[ -d $directory ]] && (($(du -sm "$directory" | cut -f1) > ${cache_most_mib:-1024})); then rm -rf "$directory"; fi
  done
}

# release_web BUILD_DIR: what bin/release answers when a pack has left the command of `web` in
# .paas/web, and other types in .paas/types, NAME=COMMAND a line.
release_web() {
  local types=() line command
  [[ ! -f $1/.paas/web ]] || types+=("web=$(<"$1/.paas/web")")
  [[ ! -f $1/.paas/types ]] || mapfile -t -O "${#types[@]}" types <"$1/.paas/types"
  ((${#types[@]} > 0)) || return 0
  printf -- '---\ndefault_process_types:\n'
  for line in "${types[@]}"; do
    command=${line#*=}
    command=${command//\\/\\\\}
    printf '  %s: "%s"\n' "${line%%=*}" "${command//\"/\\\"}"
  done
}
