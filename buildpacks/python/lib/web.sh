# What `web` is when there is no Procfile: the usual way to start Django, FastAPI and Flask.

choose_web() {
  local command
  command=$(django_command || fastapi_command || flask_command || true)
  if [[ -n $command ]]; then
    echo "$command" >.paas/web
  elif [[ ! -f Procfile ]]; then
    warn 'No Procfile, and no Django, FastAPI or Flask app in the root: nothing to run for web.'
  fi
}

installed() { [[ -x $environment/bin/$1 ]]; }

django_command() {
  [[ -f manage.py ]] && installed django-admin || return 1
  local wsgi
  wsgi=$(find . -mindepth 2 -maxdepth 2 -name wsgi.py -not -path './.*' -printf '%P\n' | sort | head -1)
  if installed gunicorn && [[ -n $wsgi ]]; then
    echo "gunicorn --bind 0.0.0.0:\$PORT ${wsgi%%/*}.wsgi"
  else
    echo 'python manage.py runserver --noreload 0.0.0.0:$PORT'
  fi
}

# app_object CLASS: MODULE:VARIABLE of the first module in the root that makes an object of that
# class, usual names first.
app_object() {
  local file variable
  for file in main.py app.py api.py wsgi.py asgi.py *.py; do
    variable=$(grep -m1 -oP "^\w+(?=\s*(:\s*\w+\s*)?=\s*(\w+\.)?$1\()" "$file" 2>/dev/null) || continue
    echo "${file%.py}:$variable"
    return 0
  done
  return 1
}

fastapi_command() {
  local app
  app=$(app_object FastAPI) || return 1
  if installed uvicorn; then
    echo "uvicorn --host 0.0.0.0 --port \$PORT --proxy-headers $app"
  elif installed gunicorn && installed uvicorn-worker; then
    echo "gunicorn --bind 0.0.0.0:\$PORT --worker-class uvicorn_worker.UvicornWorker $app"
  else
    return 1
  fi
}

flask_command() {
  local app
  app=$(app_object Flask) || return 1
  if installed gunicorn; then
    echo "gunicorn --bind 0.0.0.0:\$PORT $app"
  elif installed flask; then
    echo "flask --app $app run --host 0.0.0.0 --port \$PORT"
  else
    return 1
  fi
}
