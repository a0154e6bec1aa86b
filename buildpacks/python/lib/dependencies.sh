# The virtual environment: as the app's files say (lib/plan), from the cache when none of those that
# decide have changed.

install_dependencies() {
  make_plan
  topic "Installing dependencies with $manager"
  ((${#plan_warnings[@]} == 0)) || warn "${plan_warnings[@]}"
  if [[ -n $key ]] && restore_tree "$environment" "$key"; then
    detail "$source_file has not changed: restoring the environment from the cache"
    prepare_"$manager"
  else
    drop_tree "$environment"
    forget_tree "$environment"
    place_python
    make_environment "$environment" "$python"
    prepare_"$manager"
    install_with_"$manager"
    drop_message_sources
    [[ -z $key ]] || keep_tree "$environment" "$key"
    bound_cache "$cache_dir/pip" "$cache_dir/uv-cache" "$cache_dir/poetry-cache"
  fi
  [[ -z $project ]] || install_project_with_"$manager"
}

make_plan() {
  local plan status=0
  plan=$("$stack_python" -IB "$pack_dir/lib/plan" "$python_version" "${runtime##*/}") || status=$?
  mapfile -t plan <<<"$plan"
  ((status == 0)) || fail "${plan[0]:-the files that name the dependencies cannot be understood}" "${plan[@]:1}"
  manager=${plan[0]} source_file=${plan[1]} project=${plan[2]:-} key=${plan[3]:-}
  plan_warnings=("${plan[@]:4}")
}

# make_environment DIRECTORY PYTHON: without pip in it, the stack's pip installs into it.
make_environment() { "$2" -m venv --without-pip "$1"; }

# gettext reads what msgfmt has made of a translation, X.mo; X.po beside it is its source, of which
# Django has a quarter. What shows or changes translations reads those, with polib or translate.
drop_message_sources() {
  local packages source
  packages=$(echo "$environment"/lib/python*/site-packages)
  [[ -d $packages && ! -e $packages/polib.py && ! -d $packages/translate ]] || return 0
  while IFS= read -r -d '' source; do
    [[ ! -f ${source%.po}.mo ]] || printf '%s\0' "$source"
  done < <(find "$packages" -path '*/LC_MESSAGES/*.po' -type f -print0) | xargs --null --no-run-if-empty rm --
}

# install_tool NAME: a package manager that the stack does not have, into the cache once.
install_tool() {
  tool=$cache_dir/$1-${stack_version%.*}
  [[ ! -x $tool/bin/$1 ]] || return 0
  rm -rf "$tool"
  make_environment "$tool" "$stack_python"
  run pip --python "$tool/bin/python" install --quiet "$1" || fail "$1 could not be downloaded"
}

prepare_pip() { :; }

install_with_pip() {
  local requirements=requirements.txt
  if [[ $source_file == pyproject.toml ]]; then
    requirements=/tmp/paas-requirements.txt
    project_dependencies >"$requirements"
  fi
  [[ -n $project || ! -s $requirements ]] || pip_install --requirement "$requirements"
}

# In place: what runs is what lies there, and only what it needs is elsewhere.
install_project_with_pip() { pip_install --editable .; }

pip_install() {
  run_filter=without_details \
    run pip --python "$environment/bin/python" install "$@" --progress-bar off || explain_install 'pip install' $?
}

# What was asked for and what came of it, without every file on the way.
without_details() {
  sed -uE '/^ +(Downloading|Using cached|Preparing metadata|Getting requirements)/d; /^Installing collected packages/d
    /^Collecting .*->/d; s/^(Collecting .*) \(from -r .*/\1/'
}

project_dependencies() {
  python3 -c '
import tomllib
with open("pyproject.toml", "rb") as file:
    print(*tomllib.load(file).get("project", {}).get("dependencies", []), sep="\n")
'
}

prepare_uv() {
  install_tool uv
  export UV_PROJECT_ENVIRONMENT=$build_dir/$environment UV_CACHE_DIR=$cache_dir/uv-cache UV_LINK_MODE=copy UV_SYSTEM_CERTS=1
  export UV_PYTHON=$python UV_PYTHON_DOWNLOADS=never UV_COMPILE_BYTECODE=1 UV_NO_PROGRESS=1
}

# Nor the packages of a workspace.
install_with_uv() { uv_sync --no-install-workspace; }

install_project_with_uv() { uv_sync; }

uv_sync() {
  local locked=()
  [[ $source_file != uv.lock ]] || locked=(--locked)
  run "$tool/bin/uv" sync "${locked[@]}" --no-default-groups "$@" || explain_install 'uv sync' $?
}

prepare_poetry() {
  install_tool poetry
  export VIRTUAL_ENV=$build_dir/$environment POETRY_VIRTUALENVS_CREATE=false POETRY_CACHE_DIR=$cache_dir/poetry-cache
  export POETRY_KEYRING_ENABLED=false POETRY_NO_INTERACTION=1
}

install_with_poetry() {
  run "$tool/bin/poetry" sync --only main --no-root --no-ansi || explain_install 'poetry sync' $?
}

# An app that is no package needs no install, though it does not say so with package-mode.
install_project_with_poetry() {
  local status=0
  run "$tool/bin/poetry" install --only-root --no-ansi || status=$?
  if ((status != 0)); then
    grep -q 'No file/folder found for package' "$run_log" || explain_install 'poetry install' "$status"
    detail 'The app is not installed as a package: it runs from its directory.'
  fi
}

prepare_pipenv() {
  install_tool pipenv
  export VIRTUAL_ENV=$build_dir/$environment PIPENV_VERBOSITY=-1 PIPENV_NOSPIN=1 PIPENV_YES=1
}

install_with_pipenv() {
  local how=--deploy
  [[ $source_file == Pipfile.lock ]] || how=--skip-lock
  run "$tool/bin/pipenv" install "$how" || explain_install 'pipenv install' $?
}
