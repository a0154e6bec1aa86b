# Bun, which is one binary: it installs the dependencies of apps with its lock file, and runs those
# that are its own.

install_bun() {
  local package=@oven/bun-linux-x64
  [[ $(uname -m) != aarch64 ]] || package=@oven/bun-linux-aarch64
  grep -q avx2 /proc/cpuinfo || [[ $package != *x64 ]] || package+=-baseline
  find_release Bun "$package" "${manager_version:-1}"
  manager_version=$release
  bun_dir=$cache_dir/bun/$manager_version
  fetch_release Bun "$package" "$manager_version" "$bun_dir"
  export PATH=$bun_dir/bin:$PATH DO_NOT_TRACK=1
  detail "Using Bun $manager_version"
}
