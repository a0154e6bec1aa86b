# What an app finds in its environment, and what it may take of its dyno.

write_profile() {
  cat >.profile.d/elixir.sh <<'PROFILE'
export PATH="$HOME/bin:$PATH" LANG="${LANG:-C.UTF-8}"
# Of one that ends the dyno's files go with it, and a dump of its memory.
export ERL_CRASH_DUMP_BYTES="${ERL_CRASH_DUMP_BYTES:-0}"
# As many schedulers as the dyno has processors (its share of 100 ms), not the machine: each is two
# threads with memory of its own. None waits in a loop, which would use up that share (+S and +sbwt
# in erlang.org/doc/man/erl). What a release's vm.args or a config var says comes later, and counts.
paas_cpus=$(cat /sys/fs/cgroup/cpu.max /sys/fs/cgroup/cpu/cpu.cfs_quota_us 2>/dev/null)
paas_cpus=${paas_cpus%% *}
case $paas_cpus in
  '' | *[!0-9]*) paas_cpus= ;;
  *) paas_cpus="+S $(((paas_cpus + 99999) / 100000)) " ;;
esac
export ERL_AFLAGS="$paas_cpus+sbwt none +sbwtdcpu none +sbwtdio none${ERL_AFLAGS:+ $ERL_AFLAGS}"
unset paas_cpus
PROFILE
  [[ ! -d .paas/elixir ]] || with_other_elixir
  [[ ! -f .paas/rebar3 ]] || echo 'export MIX_REBAR3="$HOME/.paas/rebar3"' >>.profile.d/elixir.sh
  echo "export MIX_ENV=\"\${MIX_ENV:-$MIX_ENV}\"" >>.profile.d/elixir.sh
  ! has_dependency phoenix || write_phoenix_profile
  printf 'export MIX_ENV=%q\n' "$MIX_ENV" >"$pack_dir/export"
}

with_other_elixir() {
  mkdir -p .paas/libraries
  ln -sfn /usr/lib/elixir/lib/hex .paas/libraries/hex
  echo 'export PATH="$HOME/.paas/elixir/bin:$PATH" ERL_LIBS="${ERL_LIBS:-$HOME/.paas/libraries}"' >>.profile.d/elixir.sh
}

# Its server is started, and links and WebSockets are for the app's own host, unless it is told
# another one (hexdocs.pm/phoenix/releases.html).
write_phoenix_profile() {
  cat >>.profile.d/elixir.sh <<'PROFILE'
case $DYNO in web.*) export PHX_SERVER="${PHX_SERVER:-true}" ;; esac
[ -z "$PAAS_APP_HOST" ] || export PHX_HOST="${PHX_HOST:-$PAAS_APP_HOST}"
PROFILE
}

# A Phoenix app without a secret of its own gets one: the same from build to build.
keep_secret() {
  [[ -z ${SECRET_KEY_BASE:-} ]] && has_dependency phoenix || return 0
  local file=$root/secret-key-base
  [[ -s $file ]] || (umask 077 && head -c 64 /dev/urandom | od -An -tx1 | tr -d ' \n' >"$file")
  printf 'export SECRET_KEY_BASE="${SECRET_KEY_BASE:-%s}"\n' "$(<"$file")" >.profile.d/elixir-secret.sh
  export SECRET_KEY_BASE
  SECRET_KEY_BASE=$(<"$file")
}
