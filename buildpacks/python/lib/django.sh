# Static files of Django apps, collected as on Heroku: when the settings say where to, unless
# DISABLE_COLLECTSTATIC is set.

collect_static() {
  [[ -f manage.py && -x $environment/bin/django-admin ]] || return 0
  [[ ${DISABLE_COLLECTSTATIC:-0} == 0 ]] || return 0
  topic 'Collecting static files'
  run_quietly python manage.py diffsettings || explain_collect "manage.py diffsettings exited with $?"
  if ! grep -q '^STATIC_ROOT = ' "$run_log"; then
    detail 'STATIC_ROOT is not set: nothing to collect'
    return
  fi
  run python manage.py collectstatic --noinput --verbosity 1 || explain_collect "manage.py collectstatic exited with $?"
}

# Settings hold secrets: shown only when they cannot be read, and then it is an error message.
run_quietly() {
  local status=0
  "$@" >"$run_log" 2>/tmp/paas-error.log </dev/null || status=$?
  ((status == 0)) || indent </tmp/paas-error.log
  return "$status"
}

explain_collect() {
  local module
  module=$(cat "$run_log" /tmp/paas-error.log | grep -m1 -oP "ModuleNotFoundError: No module named '\K[^'.]+" || true)
  if [[ -n $module && ! -e $module && ! -e $module.py ]]; then
    fail "the module $module is not installed" "Add the package that has it to the dependencies ($source_file), and push again."
  fi
  fail "$1" 'Correct the settings, or set the config var DISABLE_COLLECTSTATIC=1.'
}
