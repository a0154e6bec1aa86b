# What a dyno of Node.js is told of its memory, as by Heroku's pack: how many processes of
# WEB_MEMORY MiB there is place for. Node.js itself keeps its heap within half of the limit, but not
# below 256 MiB: in a small dyno it would be killed before it collects.

write_concurrency_profile() {
  write_memory_profile
  cat >.profile.d/nodejs-concurrency.sh <<'PROFILE'
export MEMORY_AVAILABLE="${MEMORY_AVAILABLE:-${paas_memory_mib:-512}}" WEB_MEMORY="${WEB_MEMORY:-512}"
if [ -z "$WEB_CONCURRENCY" ]; then
  WEB_CONCURRENCY=$((MEMORY_AVAILABLE / WEB_MEMORY))
  [ "$WEB_CONCURRENCY" -ge 1 ] || WEB_CONCURRENCY=1
  [ "$WEB_CONCURRENCY" -le 200 ] || WEB_CONCURRENCY=200
fi
export WEB_CONCURRENCY
if [ "${paas_memory_mib:-512}" -lt 512 ]; then
  case "$NODE_OPTIONS" in
    *--max[-_]old[-_]space[-_]size*) ;;
    *) export NODE_OPTIONS="--max-old-space-size=$((paas_memory_mib / 2))${NODE_OPTIONS:+ $NODE_OPTIONS}" ;;
  esac
fi
PROFILE
}
