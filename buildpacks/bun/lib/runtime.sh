# Bun goes along with the app.

install_runtime() {
  topic "Installing Bun"
  [[ $manager == bun ]] || fail "packageManager in package.json is $manager, and the app is Bun's" \
    "Choose one: \"packageManager\": \"bun@1\" in package.json, or Node.js: paas buildpacks:set nodejs"
  install_bun
  node_version=bun
  runtime_key="bun $manager_version $(uname -m)"
}

copy_runtime() {
  mkdir -p "$1/bin"
  cp -a "$bun_dir/bin/bun" "$1/bin/"
  ln -sf bun "$1/bin/bunx"
}

run_start='bun run start' run_file=bun

write_profile() {
  write_memory_profile
  cat >.profile.d/bun.sh <<'PROFILE'
export PATH="$HOME/.paas/runtime/bin:$HOME/node_modules/.bin:$PATH"
export NODE_ENV="${NODE_ENV:-production}" DO_NOT_TRACK="${DO_NOT_TRACK:-1}"
# JavaScriptCore collects as often as the memory it believes the machine to have asks for.
[ -z "$paas_memory_mib" ] || export BUN_JSC_forceRAMSize="${BUN_JSC_forceRAMSize:-$((paas_memory_mib * 1048576))}"
PROFILE
  # shellcheck disable=SC2016 # the next pack expands it
  printf 'export PATH="%s/bin:$PATH:%s/node_modules/.bin" NODE_ENV="${NODE_ENV:-production}"\n' "$bun_dir" "$build_dir" \
    >"$pack_dir/export"
}
