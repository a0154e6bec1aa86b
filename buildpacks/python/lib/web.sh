# What `web` is when there is no Procfile: the usual way to start Django, FastAPI and others of
# ASGI, Flask, and Streamlit.

choose_web() {
  if [[ -f Procfile ]]; then
    check_procfile
    return
  fi
  local web=''
  django_command || asgi_command || flask_command || streamlit_command || true
  if [[ -n $web ]]; then
    echo "$web" >.paas/web
  elif [[ -z ${explained:-} ]]; then
    warn 'No Procfile, and no Django, FastAPI, Flask or Streamlit app in the root: nothing to run for web.'
  fi
}

installed() { [[ -x $environment/bin/$1 ]]; }

# missing_server FRAMEWORK APP SERVER
missing_server() {
  explained=yes
  warn "$2 is an app of $1, and no server for it is installed: nothing to run for web." \
    "Add $3 to the dependencies (in requirements.txt, or where they are named), and push again."
}

django_command() {
  [[ -f manage.py ]] && installed django-admin || return 1
  local module
  module=$(find . -mindepth 2 -maxdepth 2 \( -name wsgi.py -o -name asgi.py \) -not -path './.*' -printf '%P\n' | sort -r | head -n 1)
  module=${module%.py}
  if installed gunicorn && [[ $module == */wsgi ]]; then
    web="gunicorn --bind 0.0.0.0:\$PORT ${module/\//.}"
  elif installed uvicorn && [[ -f ${module%/*}/asgi.py ]]; then
    web="uvicorn --host 0.0.0.0 --port \$PORT --proxy-headers ${module%/*}.asgi:application"
  else
    detail "Django's own server runs the app. For more requests at once, add gunicorn to the dependencies."
    web='python manage.py runserver --noreload 0.0.0.0:$PORT'
  fi
}

# Modules in the root and one directory below, usual names first.
modules() { ls {main,app,api,server,wsgi,asgi}.py {app,src,api}/{main,app,__init__}.py ./*.py ./*/main.py 2>/dev/null || true; }

# app_object CLASSES: MODULE:VARIABLE of the first one that makes an object of such a class.
app_object() {
  local found path name
  mapfile -t files < <(modules)
  ((${#files[@]} > 0)) || return 1
  found=$(grep -m1 -HoP "^\w+(?=\s*(:\s*[\w.]+\s*)?=\s*(\w+\.)?($1)\()" "${files[@]}" /dev/null | head -n 1)
  [[ -n $found ]] || return 1
  path=${found%%:*} name=${found##*:}
  path=${path#./}
  path=${path%.py}
  path=${path%/__init__}
  echo "${path//\//.}:$name"
}

asgi_command() {
  local app
  app=$(app_object 'FastAPI|Starlette|Litestar|Quart') || return 1
  if installed uvicorn; then
    web="uvicorn --host 0.0.0.0 --port \$PORT --proxy-headers $app"
  elif installed gunicorn && installed uvicorn-worker; then
    web="gunicorn --bind 0.0.0.0:\$PORT --worker-class uvicorn_worker.UvicornWorker $app"
  elif installed hypercorn; then
    web="hypercorn --bind 0.0.0.0:\$PORT $app"
  else
    missing_server ASGI "$app" uvicorn
  fi
}

flask_command() {
  local app
  app=$(app_object Flask || flask_factory) || return 1
  if installed gunicorn; then
    web="gunicorn --bind 0.0.0.0:\$PORT $app"
    [[ $app != *'()' ]] || web="gunicorn --bind 0.0.0.0:\$PORT '$app'"
  elif installed flask; then
    detail "Flask's own server runs the app. For more requests at once, add gunicorn to the dependencies."
    web="flask --app ${app%'()'} run --host 0.0.0.0 --port \$PORT"
  else
    missing_server Flask "$app" gunicorn
  fi
}

# create_app, as in Flask's tutorial.
flask_factory() {
  installed flask || return 1
  local files found
  mapfile -t files < <(ls ./*/__init__.py ./*.py 2>/dev/null)
  found=$(grep -lE '^def create_app\(' "${files[@]}" /dev/null | head -n 1)
  [[ -n $found ]] || return 1
  found=${found#./}
  found=${found%.py}
  found=${found%/__init__}
  echo "$found:create_app()"
}

streamlit_command() {
  installed streamlit || return 1
  local files file
  mapfile -t files < <(ls {streamlit_app,app,main,Home,home}.py ./*.py 2>/dev/null)
  file=$(grep -lE '^ *(import|from) streamlit\b' "${files[@]}" /dev/null | head -n 1)
  [[ -n $file ]] || return 1
  web="streamlit run ${file#./} --server.port \$PORT --server.address 0.0.0.0 --server.headless true"
}
