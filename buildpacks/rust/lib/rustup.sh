# Versions that Debian does not have, through rustup (rust-lang.github.io/rustup) and from where it
# gets them: RUSTUP_DIST_SERVER, or static.rust-lang.org. They stay in the cache, and a channel such
# as `stable` is what it was when the cache was empty.

# use_rustup: gets $asked_version.
use_rustup() {
  local key=$asked_version
  if [[ $asked_in == rust-toolchain* ]] && has_more_than_channel "$asked_in"; then
    key="$asked_version $(sha256sum "$asked_in")"
  else
    export RUSTUP_TOOLCHAIN=$asked_version
  fi
  export PATH=$CARGO_HOME/bin:$PATH
  if [[ $(cat "$RUSTUP_HOME/installed" 2>/dev/null) != "$key" ]]; then
    topic "Installing Rust $asked_version with rustup ($asked_in)"
    [[ -x $CARGO_HOME/bin/rustup ]] || install_rustup
    run rustup toolchain install --no-self-update ${RUSTUP_TOOLCHAIN:+"$RUSTUP_TOOLCHAIN"} || explain_rustup
    remove_other_toolchains
    echo "$key" >"$RUSTUP_HOME/installed"
  fi
  forget_other_builds "$(rustc --version | cut -d' ' -f2)"
  topic "Using Rust $rust_version ($asked_in)"
}

# Components such as clippy are for developers.
has_more_than_channel() { grep -qE '^[[:space:]]*targets|rust-src' "$1"; }

remove_other_toolchains() {
  local name active
  active=$(rustup show active-toolchain | cut -d' ' -f1)
  for name in $(rustup toolchain list --quiet); do
    [[ $name == "$active" ]] || rustup toolchain uninstall "$name" >/dev/null 2>&1
  done
}

install_rustup() {
  local from=${RUSTUP_UPDATE_ROOT:-${RUSTUP_DIST_SERVER:-https://static.rust-lang.org}/rustup}
  local url expected file=$cache_dir/rust/rustup-init
  url=$from/dist/$(uname -m)-unknown-linux-gnu/rustup-init
  run curl --fail --silent --show-error --location --max-time 180 --output "$file" --url "$url" || explain_rustup
  expected=$(curl --fail --silent --location --max-time 30 --url "$url.sha256" | cut -d' ' -f1) || true
  [[ $(sha256sum "$file" | cut -d' ' -f1) == "$expected" ]] ||
    fail "$url is not what its .sha256 says" 'Push again; if it stays so, tell who runs that server.'
  chmod +x "$file"
  run unpack_rustup "$file" || explain_rustup
  rm "$file"
}

# What it says of shells is for developers' machines.
unpack_rustup() {
  RUSTUP_INIT_SKIP_PATH_CHECK=yes "$1" -y --quiet --no-modify-path --profile minimal --default-toolchain none >/dev/null
}

explain_rustup() {
  if said 'nonexistent rust version|invalid toolchain name|no release found|not installable'; then
    fail "$asked_in asks for Rust $asked_version, which does not exist" \
      "Write one such as 1.90 or stable, and push again. This stack has $rust_of_stack."
  fi
  fail "Rust $asked_version cannot be downloaded" \
    "${RUSTUP_DIST_SERVER:-https://static.rust-lang.org} is not reached. The config var RUSTUP_DIST_SERVER names a mirror of it." \
    "Without a download there is Rust $rust_of_stack: take the version out of $asked_in."
}
