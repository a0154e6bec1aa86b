# The package manager: npm as it comes, or what engines, packageManager and the lock file ask for,
# from the registry.

install_manager() {
  ((lock_managers <= 1)) || fail "two lock files: $lock_files" 'They may conflict. Delete the one you do not use and push again.'
  case $manager in
    npm) install_npm ;;
    yarn) install_yarn ;;
    pnpm) install_from_registry pnpm "$manager_version" ;;
    bun) install_bun ;;
  esac
}

install_npm() {
  local wanted=${manager_version:-$npm_range}
  if [[ -n $wanted && $wanted != "$npm_built_in" && (-z $npm_built_in || -n $manager_version) ]]; then
    install_from_registry npm "$wanted"
  else
    manager_version=$(npm_version)
  fi
}

# Read, not asked for: starting npm takes longer than all else here.
npm_version() {
  [[ $node_dir == "$built_in_node" ]] && echo "$npm_of_stack_version" && return
  /usr/bin/jq -r .version "$node_dir/lib/node_modules/npm/package.json"
}

# Yarn 1 is the package "yarn"; from 2 on it is published as @yarnpkg/cli-dist.
install_yarn() {
  if [[ $manager_version =~ ^[^0-9]*1(\.|$) ]]; then
    install_from_registry yarn "$manager_version"
  else
    install_from_registry @yarnpkg/cli-dist "$manager_version"
    # Yarn runs scripts only as what it installed.
    export YARN_NODE_LINKER=${YARN_NODE_LINKER:-node-modules}
  fi
}

# install_from_registry PACKAGE RANGE: into the cache once, and into the slug, where the app may
# call it too.
install_from_registry() {
  local package=$1 range=$2 home program
  home=$cache_dir/managers/$(name_of "$package@$range")
  if [[ ! -d $home/node_modules/$package ]]; then
    rm -rf "$cache_dir/managers"
    mkdir -p "$home"
    download "$manager" "$package@$range" --prefix "$home"
  fi
  mkdir -p .paas/manager .paas/bin
  cp -a "$home/node_modules" .paas/manager/
  for program in "$home"/node_modules/.bin/*; do
    ln -sf "../manager/node_modules/.bin/${program##*/}" ".paas/bin/${program##*/}"
  done
  export PATH=$build_dir/.paas/bin:$PATH
  manager_version=$("$manager" --version)
  detail "Using $manager $manager_version"
}
