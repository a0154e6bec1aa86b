# Which programs an app has, and how they are built and found: those of the members that cargo
# builds by default, and those that the Procfile runs.

find_programs() {
  metadata=$(mktemp) packages=()
  try_cargo read_metadata || explain_and_fail 'Cargo.toml cannot be read'
  [[ -z $(build_flags) ]] || return 0
  mapfile -t packages < <(jq -r --arg procfile "$(cat Procfile 2>/dev/null)" "$select_packages" "$metadata")
  ((${#packages[@]} > 0)) || fail 'there is no program: no binary target' \
    'Add src/main.rs, or a [[bin]] to Cargo.toml, and push again.'
}

read_metadata() { cargo metadata --no-deps --format-version 1 >"$metadata"; }

# A member without programs is built when another one needs it.
# shellcheck disable=SC2016 # jq's own variables
select_packages='
  (.workspace_default_members // .workspace_members) as $default
  | [.packages[] | {id, name, programs: [.targets[] | select(.kind | index("bin")) | .name]} | select(.programs != [])]
  | map(select((.id | IN($default[])) or any(.programs[]; . as $name | $procfile | test("(target/release|bin)/\($name)(\\s|$)"))))
      as $chosen
  | (if $chosen == [] then . else $chosen end)[].name'

build_programs() {
  local arguments=() package status=0
  if [[ -n $(build_flags) ]]; then
    read -ra arguments <<<"$(build_flags)"
  else
    arguments=(--release --bins)
    for package in "${packages[@]}"; do arguments+=(--package "$package"); done
  fi
  messages=$(mktemp)
  topic "Building with cargo build ${arguments[*]}"
  try_cargo cargo_build "${locked[@]}" "${arguments[@]}" || status=$?
  ((status == 0)) || explain_and_fail "cargo build exited with $status"
}

# As in a RustConfig of Heroku's pack for Rust.
build_flags() {
  local named=${RUST_CARGO_BUILD_FLAGS:-}
  [[ -n $named || ! -f RustConfig ]] || named=$(rust_config RUST_CARGO_BUILD_FLAGS)
  echo "$named"
}

# Errors and warnings are for people, and what was built for us.
cargo_build() { cargo build --message-format=json-render-diagnostics "$@" >"$messages"; }

# Into bin/, and under target/ where a Procfile may expect them. What was vendored is in them now.
install_programs() {
  local program name link
  built=()
  while read -r program; do
    name=${program##*/} link=target/${program#"$CARGO_TARGET_DIR/"}
    built+=("$name")
    cp "$program" "bin/$name"
    mkdir -p "${link%/*}"
    ln -sfr "bin/$name" "$link"
  done < <(jq -r 'select(.executable != null and (.target.kind | index("bin"))).executable' "$messages" | sort -u)
  ((${#built[@]} > 0)) || fail 'cargo build made no program' \
    'Which ones are built depends on features: paas config:set RUST_CARGO_BUILD_FLAGS="--release --features NAME"'
  [[ ! -f .cargo/config.toml || ! -d vendor ]] || rm -rf vendor
  detail "Programs: ${built[*]/#/bin/}"
}

write_profile() {
  # shellcheck disable=SC2016 # the dyno expands it
  echo 'export PATH="$HOME/bin:$PATH"' >.profile.d/rust.sh
  if grep -qs '^name = "rocket"' Cargo.lock; then
    # shellcheck disable=SC2016 # the dyno expands it
    echo 'export ROCKET_ADDRESS="${ROCKET_ADDRESS:-0.0.0.0}" ROCKET_PORT="${ROCKET_PORT:-$PORT}"' >>.profile.d/rust.sh
  fi
  # shellcheck disable=SC2016 # the next pack expands it
  printf 'export PATH="%s/bin:$PATH"\n' "$build_dir" >"$pack_dir/export"
}

# name_of_package: what cargo run would start, or the package itself.
name_of_package() { jq -r --arg root "$build_dir/Cargo.toml" "$name_of_default" "$metadata"; }

# shellcheck disable=SC2016 # jq's own variables
name_of_default='
  [.packages[].default_run // empty][0] // [.packages[] | select(.manifest_path == $root).name][0] // ""'
