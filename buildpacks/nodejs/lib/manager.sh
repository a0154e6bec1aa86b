# The package manager: npm as it comes, or what engines, packageManager and the lock file ask for, from the registry.

install_manager() {
  ((lock_managers <= 1)) || fail "two lock files: $lock_files" 'They say different things. Delete the one you do not use and push again.'
  case $manager in
    npm) install_npm ;;
    yarn) install_yarn ;;
    pnpm) install_from_registry pnpm "$(pnpm_range)" ;;
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
  if [[ -z $manager_version ]] && ! grep -q '^__metadata:' yarn.lock; then
    install_from_registry yarn 1
  elif [[ $manager_version == 1.* ]]; then
    install_from_registry yarn "$manager_version"
  else
    install_from_registry @yarnpkg/cli-dist "${manager_version:-4}"
  fi
}

# A lock file of another generation than pnpm's own is refused or rewritten.
pnpm_range() {
  if [[ -n $manager_version ]]; then
    echo "$manager_version"
  else
    case $(grep -m1 '^lockfileVersion:' pnpm-lock.yaml | tr -cd '0-9.') in
      5.*) echo 7 ;;
      6.*) echo 8 ;;
      *) echo 10 ;;
    esac
  fi
}

# install_from_registry PACKAGE RANGE: into the cache once, and into the slug, where the app may call it too.
install_from_registry() {
  local package=$1 range=$2 home program
  home=$cache_dir/managers/${package//\//-}-${range//[^a-zA-Z0-9.]/_}
  if [[ ! -d $home/node_modules/$package ]]; then
    rm -rf "$cache_dir/managers"
    mkdir -p "$home"
    npm_of_stack install --silent --no-save --ignore-scripts --prefix "$home" "$package@$range" ||
      fail "$manager $range could not be downloaded"
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
