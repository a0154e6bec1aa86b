# For packs whose build leaves programs in bin of the app.

# choose_web NAME: `web` is the only one of $built, or the one whose name says so: web, server, or
# NAME.
choose_web() {
  local name='' candidate
  ((${#built[@]} != 1)) || name=${built[0]}
  for candidate in web server "$1"; do
    [[ -n $name || ! " ${built[*]} " == *" $candidate "* ]] || name=$candidate
  done
  if [[ -n $name ]]; then
    echo "bin/$name" >.paas/web
  elif [[ ! -f Procfile ]]; then
    warn "There are several programs and no Procfile: nothing to run for web." \
      "Write one that says which it is: echo 'web: bin/${built[0]:-NAME}' > Procfile"
  fi
}
