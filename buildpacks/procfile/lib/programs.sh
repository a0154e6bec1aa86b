# Programs that cannot start are better found now than when the app does.

check_programs() {
  local type command
  while IFS=: read -r type command || [[ -n $type ]]; do
    [[ $type =~ ^[A-Za-z0-9_-]+$ ]] || continue
    check_program "$type" "$(program_in "$command")"
  done <Procfile
}

# program_in COMMAND: its first word, but for variables and exec; nothing when a shell must say.
program_in() {
  local words word
  read -ra words <<<"${1%$'\r'}"
  for word in "${words[@]}"; do
    [[ $word == exec || $word =~ ^[A-Za-z_][A-Za-z0-9_]*= ]] && continue
    [[ ! $word =~ ^[A-Za-z0-9_./+-]+$ ]] || echo "$word"
    return
  done
}

# check_program TYPE PROGRAM
check_program() {
  local path=${2#"$build_dir/"}
  if [[ $path == /* || -z $path ]]; then return; fi
  if [[ $path != */* ]]; then
    check_language "$1" "$path"
  elif [[ ! -f $path ]]; then
    fail "Procfile: $1 runs $2, which is not in the repository" "Does .gitignore name it? Commit it: git add --force ${path#./}"
  elif [[ ! -x $path ]]; then
    fail "Procfile: $1 runs $2, which is not executable" "Make it so: git update-index --chmod=+x ${path#./}  Then commit and push again."
  else
    check_machine "$1" "$path"
  fi
}

# A program for another kind of machine.
check_machine() {
  local kind here
  kind=$(file --brief "$2")
  here=$(uname -m)
  here=${here/_/-}
  if [[ $kind == Mach-O* || $kind == PE32* || ($kind == ELF* && $kind != *"$here"*) ]]; then
    fail "Procfile: $1 runs $2, which is a program for another machine" \
      "It is: ${kind:0:60}. This server runs programs for Linux on $(uname -m). Build it for that, and push again."
  fi
}

# Of the languages that are not part of the stack, with what they are known by.
check_language() {
  local language file
  case $2 in
    node | npm | npx | yarn | pnpm) language=Node.js file=package.json ;;
    python | python3 | pip | gunicorn | uvicorn | flask | celery | streamlit) language=Python file=requirements.txt ;;
    ruby | bundle | rails | rackup | rake | puma) language=Ruby file=Gemfile ;;
    php | php-fpm | composer) language=PHP file=composer.json ;;
    java | mvn | gradle) language=Java file=pom.xml ;;
    go) language=Go file=go.mod ;;
    cargo) language=Rust file=Cargo.toml ;;
    mix | elixir | iex) language=Elixir file=mix.exs ;;
    deno) language=Deno file=deno.json ;;
    bun) language=Bun file=bun.lock ;;
    dotnet) language=.NET file=Dockerfile ;;
    *) return 0 ;;
  esac
  fail "Procfile: $1 runs $2, and there is no $file" \
    "Apps of $language are known by $file in the root of the repository. Add it, and push again."
}
