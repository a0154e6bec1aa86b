# Sourced by packs whose apps must be told how much memory their dyno has.

# write_memory_profile: from now on a dyno's profile scripts know $paas_memory_mib, which is empty
# where there is no limit (cgroups(7), versions 2 and 1). Its name makes it run before others.
write_memory_profile() {
  cat >.profile.d/000-paas-memory.sh <<'PROFILE'
paas_memory_mib=$(cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null | head -n 1)
case $paas_memory_mib in
  '' | *[!0-9]*) paas_memory_mib= ;;
  *) paas_memory_mib=$((paas_memory_mib / 1048576)) ;;
esac
# Without a limit version 1 has one of exabytes.
[ "${paas_memory_mib:-0}" -lt 16777216 ] || paas_memory_mib=
PROFILE
}
