# The packages and all that they need which the image that apps run on lacks, unpacked into .apt.
# Nobody is root here: apt-get has directories of its own, and no package's scripts run.

install_packages() {
  topic "Installing the packages of Aptfile"
  apt=$cache_dir/apt
  mkdir -p "$apt/state/lists/partial" "$apt/cache/archives/partial" "$apt/addresses"
  cat /etc/apt/sources.list >"$apt/sources.list"
  ((${#repositories[@]} == 0)) || printf '%s\n' "${repositories[@]}" >>"$apt/sources.list"
  python3 -I "$pack_dir/lib/installed.py" "$pack_dir/run-packages" >"$apt/status"
  local key
  key=$(cat Aptfile "$apt/sources.list" "$apt/status" | sha256sum)
  if [[ -f $apt/key && $(<"$apt/key") == "$key" ]]; then
    detail 'Aptfile has not changed: restoring the packages from the cache'
    tar --extract --file="$apt/packages.tar"
    return
  fi
  rm -f "$apt/key"
  mkdir -p .apt
  download_packages
  download_addresses
  unpack
  make_relocatable
  tar --create --file="$apt/packages.tar" .apt
  echo "$key" >"$apt/key"
}

# shellcheck disable=SC2054 # commas are apt's
apt_options() {
  printf '%s\n' -o Dir::State="$apt/state" -o Dir::State::status="$apt/status" -o Dir::Cache="$apt/cache" \
    -o Dir::Etc::sourcelist="$apt/sources.list" -o Debug::NoLocking=true -o APT::Update::Error-Mode=any \
    -o APT::Get::Assume-Yes=true -o Acquire::Retries=1 -o Acquire::http::Timeout=20 -o Acquire::https::Timeout=20
}

# Into the cache, where those of before are looked for first and what is not wanted any more goes.
download_packages() {
  ((${#names[@]} > 0)) || { rm -f "$apt"/cache/archives/*.deb && return; }
  local options
  mapfile -t options < <(apt_options)
  apt-get "${options[@]}" --quiet=2 update >"$run_log" 2>&1 || explain_update
  apt-get "${options[@]}" --simulate --quiet=2 install "${names[@]}" >"$run_log" 2>&1 || explain_packages
  local wanted
  mapfile -t wanted < <(sed -nE 's/^Inst ([^ ]+) (\[[^]]*\] )?\(([^ ]+) .*\[([a-z0-9]+)\]\).*/\1_\3_\4.deb/p' "$run_log" | sed 's/:/%3a/')
  keep_only "${wanted[@]}"
  apt-get "${options[@]}" --quiet=2 --download-only install "${names[@]}" >"$run_log" 2>&1 || explain_update
  ((${#wanted[@]} == 0)) || printf '%s\n' "${wanted[@]//_/ }" | sed -E 's/%3a/:/; s/^([^ ]+ [^ ]+) .*/\1/' | indent
  say_present
}

# keep_only FILE...
keep_only() {
  local file
  for file in "$apt"/cache/archives/*.deb; do
    [[ " $* " == *" ${file##*/} "* ]] || rm -f "$file"
  done
}

# Those in the image that apps run on already.
say_present() {
  local name
  for name in "${names[@]}"; do
    ! grep -qx "Package: ${name%%[:=/]*}" "$apt/status" || detail "${name%%[:=/]*} is part of the stack"
  done
}

# Without what these need: nobody says where that would be.
download_addresses() {
  local address count=0
  rm -f "$apt"/addresses/*.deb
  for address in "${addresses[@]}"; do
    detail "$address"
    curl --silent --show-error --fail --location --retry 1 --max-time 300 --output "$apt/addresses/$((++count)).deb" \
      --url "$address" >"$run_log" 2>&1 || explain_address "$address"
  done
}

unpack() {
  local archive
  for archive in "$apt"/cache/archives/*.deb "$apt"/addresses/*.deb; do
    [[ ! -f $archive ]] || dpkg --extract "$archive" .apt >"$run_log" 2>&1 || explain_archive "${archive##*/}"
  done
}

# What names its place by the root of the machine names the place in .apt, where it is there.
make_relocatable() {
  local link target
  find .apt -path '*/pkgconfig/*.pc' -type f -exec sed -i -E "s|^(prefix=)(/.*)|\1$build_dir/.apt\2|" {} +
  find .apt -type l -lname '/*' -printf '%p\0%l\0' | while IFS= read -r -d '' link && IFS= read -r -d '' target; do
    [[ ! -e .apt$target && ! -L .apt$target ]] || ln -sfnr ".apt$target" "$link"
  done
}
