# Which Rust: Debian's, or the version that is asked for. Debian's also stands for a minimum that it
# meets, and where nothing is asked for.

choose_toolchain() {
  rust_of_stack=$(/usr/bin/rustc --version | cut -d' ' -f2)
  minimum=''
  asked_for_rust
  if [[ -n $asked_version ]]; then
    if is_of_stack; then use_stack; else use_rustup; fi
  elif [[ -n $minimum ]] && ! is_at_least "$rust_of_stack" "$minimum"; then
    use_stable "Cargo.toml: rust-version is $minimum"
  elif [[ -f $cache_dir/rust/newer ]]; then
    use_stable "$(<"$cache_dir/rust/newer")"
  else
    use_stack
  fi
}

use_stack() {
  topic "Using Rust $rust_of_stack of the stack${asked_in:+ ($asked_in)}"
  forget_other_builds "$rust_of_stack"
}

# use_stable WHY: the newest one, since no version is asked for.
use_stable() {
  minimum=''
  asked_version=stable asked_in=$1
  use_rustup
}

# rustup's own files and variable come first, then those of version managers and of Heroku's pack.
asked_for_rust() {
  local file
  asked_version=${RUSTUP_TOOLCHAIN:-} asked_in=RUSTUP_TOOLCHAIN
  for file in rust-toolchain rust-toolchain.toml; do
    [[ -z $asked_version && -f $file ]] || continue
    asked_version=$(channel_in "$file") asked_in=$file
  done
  [[ -n $asked_version ]] || asked_version rust
  if [[ -z $asked_version && -f RustConfig ]]; then asked_version=$(rust_config VERSION) asked_in=RustConfig; fi
  [[ $asked_version != latest ]] || asked_version=stable
  [[ -n $asked_version ]] || minimum=$(sed -nE 's/^rust-version[[:space:]]*=[[:space:]]*"([0-9.]+)".*/\1/p' Cargo.toml | head -n 1)
}

# rust_config NAME: a setting of the RustConfig that Heroku's pack for Rust reads.
rust_config() { sed -nE "s/^$1=[\"']?([^\"']*)[\"']?$/\1/p" RustConfig; }

# channel_in FILE: TOML, or just the channel in a line.
channel_in() {
  if grep -q '^\[toolchain\]' "$1"; then
    sed -nE "s/^[[:space:]]*channel[[:space:]]*=[[:space:]]*[\"']([^\"']+).*/\1/p" "$1" | head -n 1
  else
    head -n 1 "$1" | tr -d '[:space:]'
  fi
}

# Debian's has no targets but the machine's, and no sources.
is_of_stack() {
  [[ $rust_of_stack == "$asked_version" || $rust_of_stack == "$asked_version".* ]] || return
  [[ $asked_in != rust-toolchain* ]] || ! has_more_than_channel "$asked_in"
}

is_at_least() { [[ $(printf '%s\n' "$1" "$2" | sort -V | tail -n 1) == "$1" ]]; }

# forget_other_builds VERSION: what another Rust has compiled is of no use.
forget_other_builds() {
  rust_version=$1
  [[ $(cat "$cache_dir/rust/version" 2>/dev/null) != "$1" ]] || return 0
  rm -rf "$CARGO_TARGET_DIR"
  echo "$1" >"$cache_dir/rust/version"
}
