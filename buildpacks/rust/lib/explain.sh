# What cargo and rustc say, and what to do about it.

# explain: fails with the remedy for the mistakes that are made most.
explain() {
  if said '(needs to be updated|cannot (create|update) the lock file).*--locked'; then
    fail 'Cargo.lock does not match Cargo.toml' 'Run: cargo check  Then commit Cargo.lock, and push again.'
  elif is_too_old; then
    fail "the code needs a newer Rust than $rust_version${asked_in:+ ($asked_in)}" \
      "Ask for it, for example: printf '[toolchain]\nchannel = \"stable\"\n' > rust-toolchain.toml"
  elif said 'signal: 9|SIGKILL|signal 9'; then
    fail 'the compiler ran out of memory' \
      'One crate at a time needs less: paas config:set CARGO_BUILD_JOBS=1' \
      'Or ask the operator for builds with more memory (PAAS_BUILD_MEMORY_MIB).'
  elif said 'failed to authenticate|could not read Username|Permission denied \(publickey\)'; then
    fail 'a crate is in a private repository' \
      'Vendor it: cargo vendor  For a registry with a token: paas config:set CARGO_REGISTRIES_NAME_TOKEN=TOKEN'
  elif said 'no matching package named|failed to select a version for the requirement'; then
    fail 'a crate that Cargo.toml asks for does not exist' 'Is its name and version right? Correct it and push again.'
  elif said 'ould not resolve host|ould not connect|Connection refused|spurious network error|failed to download'; then
    fail 'the registry of crates is not reached' \
      'Is it down, or closed to builds? .cargo/config.toml names another one. Or commit the crates: cargo vendor'
  elif said 'error\[E[0-9]+\]'; then
    fail 'the code does not compile' 'The lines above with "error" say where. Correct it and push again.'
  fi
  explain_missing_parts
  # Errors of syntax have no number.
  if said 'could not compile .* due to'; then
    fail 'the code does not compile' 'The lines above with "error" say where. Correct it and push again.'
  fi
}

# Programs and libraries of Debian that crates want to find.
explain_missing_parts() {
  local name
  if name=$(first_of 'unable to find library -l[^ ]+|cannot find -l[^ :]+'); then
    name=${name##*-l}
    missing_library "$name" "lib${name}-dev"
  elif name=$(first_of 'The system library `[^`]+` required by'); then
    name=${name#*\`} name=${name%%\`*}
    missing_library "$name" "${name%%-[0-9.]*}-dev"
  elif said 'fatal error: .*\.h: No such file'; then
    name=$(first_of '[^ ]+\.h: No such file')
    fail "the C header ${name%%:*} is missing" 'It is in a package of Debian whose name ends in -dev. Add that to an Aptfile, and push again.'
  elif said 'find libclang|libclang(-[0-9]+)?\.so'; then
    fail 'a crate needs libclang' 'Add libclang-dev to an Aptfile, and push again.'
  elif said 'is `[^`]+` not installed\?|program not found|failed to (find tool|execute command)'; then
    fail 'a crate needs a program that is not there' 'The lines above name it. Add its package of Debian to an Aptfile, and push again.'
  fi
}

# missing_library NAME PACKAGE
missing_library() {
  fail "the library $1 is missing" \
    "A crate links it. Debian has it in a package such as $2: add that to an Aptfile, and push again."
}

first_of() { grep -oE "$1" "$run_log" | head -n 1 | grep .; }
