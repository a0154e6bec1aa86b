# What Mix, Hex and Phoenix say, and what to do about it.

# explain_fetch REASON: of mix deps.get.
explain_fetch() {
  local host
  if said '^(New|Upgraded|Downgraded):|--check-locked|lock mismatch'; then
    fail 'mix.lock does not match mix.exs' 'Run: mix deps.get  Then commit mix.lock, and push again.'
  elif said 'could not read Username|Permission denied \(publickey\)|Authentication failed|[Rr]epository not found'; then
    fail 'a dependency is in a private repository' \
      'Commit it with the code: in mix.exs {:name, path: "vendor/name"}, or git add -f deps'
  elif host=$(matched "unable to access 'https?://\K[^/']+") && [[ -n $host ]]; then
    fail "$host is not reached" 'Is it down, or closed to builds? Commit the dependencies with the code: git add -f deps'
  elif said 'No authenticated organization|\(40[13]\)|HTTP 40[13]|unauthori[sz]ed'; then
    fail 'a repository of Hex asks for a key' 'Commit its packages with the code: git add -f deps  Or name a mirror: paas config:set HEX_MIRROR=URL'
  elif said 'nxdomain|failed_connect|econnrefused|timeout|ehostunreach|ould not resolve host|Failed to fetch record|Request failed'; then
    fail "${HEX_MIRROR:+the mirror of }hex.pm${HEX_MIRROR:+ (HEX_MIRROR)} is not reached" \
      'Is it down, or closed to builds? A mirror: paas config:set HEX_MIRROR=URL' \
      'Or commit the dependencies with the code: git add -f deps'
  elif said 'No package with name|dependency resolution failed|Unknown package'; then
    fail 'a dependency that mix.exs asks for does not exist' 'The lines above name it. Run: mix deps.get  Then commit mix.lock, and push again.'
  fi
  explain_and_fail "$1"
}

explain() {
  local name
  name=$(matched '(environment variable |could not fetch environment variable ")\K[A-Z][A-Z0-9_]+')
  if [[ -n $name ]]; then
    fail "the config var $name is needed while the app is compiled" \
      "Set it: paas config:set $name=VALUE  Or read it in config/runtime.exs, when the app starts."
  elif name=$(matched '(Could not load |Could not find application :)\K[a-z_0-9]+(?=\.app|$)') && [[ -n $name ]]; then
    explain_application "$name"
  elif said 'the dependency is not available|Unchecked dependencies|lock mismatch|the dependency does not match'; then
    fail 'dependencies are missing or do not match mix.exs' 'Run: mix deps.get  Then commit mix.lock (and deps, if it is in git), and push again.'
  elif name=$(matched 'The task "\K[^"]+(?=" could not be found)') && [[ -n $name ]]; then
    fail "there is no task $name where MIX_ENV is $MIX_ENV" \
      "Is the dependency that has it for development only? Take \`only: :dev\` from it in mix.exs: runtime: false is enough. Then push again."
  elif name=$(matched '[Cc]ould not compile dependency :\K[a-z_0-9]+') && [[ -n $name ]]; then
    explain_dependency "$name"
  fi
  explain_code
  explain_assets
}

explain_code() {
  local name
  name=$(matched '(== Compilation error in file |^ *└─ |^ *)\K[^ :]+\.exs?(?=[ :])')
  if said 'warnings as errors|--warnings-as-errors'; then
    fail 'the compiler has warnings, and the project wants none' 'The lines above have them. Correct them and push again.'
  elif said '== Compilation error|errors have been logged'; then
    fail "the code does not compile${name:+: $name}" 'The lines above with "error" say where. Correct it and push again.'
  elif said 'Killed|[Oo]ut of memory|Cannot allocate'; then
    fail 'the compiler ran out of memory' 'Ask the operator for builds with more memory (PAAS_BUILD_MEMORY_MIB).'
  fi
}

# Debian has Erlang in parts.
explain_application() {
  fail "the application $1 is not there" \
    "Of Erlang this stack has: $(printf '%s\n' /usr/lib/erlang/lib/*/ebin | sed -E 's|.*/([a-z_0-9]+)[^/]*/ebin$|\1|' | paste -sd' ')" \
    "Take it from extra_applications in mix.exs, if it is for development (:observer and :wx are), and push again."
}

explain_dependency() {
  if said 'fatal error: .*\.h: No such file|cannot find -l'; then
    fail "$1 cannot be compiled without a C library" 'A Debian package that it needs can be named in a file Aptfile, with -dev at its end.'
  elif said 'nxdomain|failed_connect|econnrefused|ould not resolve host'; then
    fail "$1 downloads something that is not reached" 'Is that server down, or closed to builds? The lines above name it.'
  fi
  fail "the dependency $1 cannot be compiled" \
    "The lines above say why. If it is too old for Elixir $elixir_version: mix deps.update $1  Then commit mix.lock, and push again."
}

explain_assets() {
  if said "npm: (command )?not found|yarn: (command )?not found|pnpm: (command )?not found"; then
    fail 'assets are built with a program that is not there' 'npm is: use it in the alias assets.deploy. Or build with two packs: paas buildpacks:set nodejs elixir'
  elif said "ouldn't fetch|unable to download|nxdomain|failed_connect"; then
    fail 'a program for assets cannot be downloaded' \
      'mix tailwind and mix esbuild get theirs from the internet. Name another server in config.exs (config :tailwind, url:), or a path: config :tailwind, path:'
  fi
}

# explain_release REASON
explain_release() {
  if said 'Unknown release|release .* (is )?not (found|defined)|Could not find release'; then
    fail "there is no release $release" "Set MIX_RELEASE_NAME to one that mix.exs has under releases, or unset it: paas config:unset MIX_RELEASE_NAME"
  elif said 'no version|missing :version|expected :version'; then
    fail 'mix.exs has no version' 'Write version: "0.1.0" into project in mix.exs, and push again.'
  elif said 'uplicated modules'; then
    fail 'two applications have modules of the same name' 'The lines above name them. Rename one, and push again.'
  fi
  explain_and_fail "$1"
}
