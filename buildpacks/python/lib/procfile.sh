# A Procfile that names what is not there is better found now than when the app starts.

servers='gunicorn|uvicorn|hypercorn|daphne|waitress-serve|celery|flask|streamlit|fastapi|rq|dramatiq|huey_consumer'

check_procfile() {
  local type command words program
  while IFS=: read -r type command || [[ -n $type ]]; do
    read -ra words <<<"${command%$'\r'}"
    program=${words[0]:-}
    [[ $program =~ ^($servers)$ ]] || continue
    installed "$program" || [[ -x bin/$program ]] || command -v "$program" >/dev/null ||
      fail "Procfile: $type runs $program, which is not installed" \
        "Add ${program/waitress-serve/waitress} to the dependencies (in requirements.txt, or where they are named), and push again."
    check_module "$type" "${words[@]}"
  done <Procfile
}

# check_module TYPE COMMAND...: the app that gunicorn or uvicorn is told to load, MODULE:VARIABLE.
check_module() {
  local type=$1 word module
  shift
  [[ $1 =~ ^(gunicorn|uvicorn|hypercorn|daphne)$ && -z ${PYTHONPATH:-} && -z $project && " $* " != *' --chdir'* && " $* " != *' --app-dir'* ]] || return 0
  for word in "${@:2}"; do
    [[ $word =~ ^([A-Za-z_][A-Za-z0-9_.]*):[A-Za-z_][A-Za-z0-9_.]*(\(.*)?$ ]] || continue
    module=${BASH_REMATCH[1]//.//}
    # Another package may have it.
    [[ -e $module.py || -e $module ]] || compgen -G "$environment/lib/python*/site-packages/${module%%/*}*" >/dev/null ||
      warn "Procfile: $type loads ${BASH_REMATCH[1]}, and there is no $module.py: it will not start." \
        "Write the module that has the app, or commit $module.py."
    return
  done
}
