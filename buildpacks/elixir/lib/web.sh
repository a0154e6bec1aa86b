# What `web` is when the Procfile does not say, and what the app will miss when it starts.

choose_web() {
  if [[ -n $release ]]; then
    echo "bin/$release start" >.paas/web
    echo "console=bin/$release start_iex" >.paas/types
  elif has_dependency phoenix; then
    echo 'mix phx.server --no-compile --no-deps-check' >.paas/web
    echo 'console=iex -S mix' >.paas/types
  else
    echo 'mix run --no-compile --no-deps-check --no-halt' >.paas/web
    echo 'console=iex -S mix' >.paas/types
  fi
  hint_port
  hint_config_vars
}

# Where the app listens is the app's own affair.
hint_port() {
  ! grep -rqsE '"PORT"|\$PORT' config lib rel Procfile apps/*/lib || return 0
  warn 'Nothing in config or lib reads the port that the app must listen on.' \
    'In config/runtime.exs, for example: port: String.to_integer(System.get_env("PORT") || "4000"), and ip: {0, 0, 0, 0}'
}

# Of config/runtime.exs, which is read when the app starts: what it cannot do without.
hint_config_vars() {
  [[ -f config/runtime.exs ]] || return 0
  local name missing=()
  for name in $(perl -0ne 'print "$1 " while /System\.(?:fetch_env!\(\s*"|get_env\(\s*"(?=\w+"\)\s*\|\|\s*raise))(\w+)"/g' config/runtime.exs); do
    [[ -n ${!name:-} || $name =~ ^(PORT|PHX_HOST)$ || " ${missing[*]} " == *" $name "* ]] || missing+=("$name")
  done
  ((${#missing[@]} > 0)) || return 0
  warn "config/runtime.exs asks for config vars that are not set: ${missing[*]}. Without them the app may not start."
  if [[ " ${missing[*]} " == *' DATABASE_URL '* ]]; then
    warn 'A database comes with its DATABASE_URL: paas addons:create postgresql'
  else
    warn "Set them: paas config:set ${missing[0]}=VALUE"
  fi
}
