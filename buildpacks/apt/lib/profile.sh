# The packages are found by the packs after this one, and when the app runs.

write_profile() {
  # shellcheck disable=SC2016 # expanded when the app runs
  { echo 'paas_apt=$HOME/.apt' && paths && echo 'unset paas_apt'; } >.profile.d/000-apt.sh
  { echo "paas_apt=$build_dir/.apt" && paths; } >"$pack_dir/export"
}

paths() {
  local machine
  machine=$(uname -m)-linux-gnu
  cat <<PATHS
export PATH="\$paas_apt/usr/bin:\$paas_apt/usr/sbin:\$paas_apt/usr/games:\$PATH"
export LD_LIBRARY_PATH="\$paas_apt/usr/lib/$machine:\$paas_apt/usr/lib\${LD_LIBRARY_PATH:+:\$LD_LIBRARY_PATH}"
export LIBRARY_PATH="\$paas_apt/usr/lib/$machine:\$paas_apt/usr/lib\${LIBRARY_PATH:+:\$LIBRARY_PATH}"
export INCLUDE_PATH="\$paas_apt/usr/include:\$paas_apt/usr/include/$machine\${INCLUDE_PATH:+:\$INCLUDE_PATH}"
export CPATH="\$INCLUDE_PATH" CPPATH="\$INCLUDE_PATH"
export PKG_CONFIG_PATH="\$paas_apt/usr/lib/$machine/pkgconfig:\$paas_apt/usr/lib/pkgconfig:\$paas_apt/usr/share/pkgconfig\${PKG_CONFIG_PATH:+:\$PKG_CONFIG_PATH}"
PATHS
}
