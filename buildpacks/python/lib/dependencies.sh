# The virtual environment: as requirements.txt, uv.lock or pyproject.toml say, from the cache when they have not changed.

install_dependencies() {
  choose_source
  topic "Installing dependencies with $manager"
  local key
  key=$(dependencies_key)
  if [[ -n $key && -f $cache_dir/python.key && $(<"$cache_dir/python.key") == "$key" ]]; then
    detail "$source_file has not changed: restoring the environment from the cache"
    cp -a "$cache_dir/python" "$environment"
  else
    install_with_"$manager"
    save_environment "$key"
    bound_cache "$cache_dir/pip" "$cache_dir/uv-cache"
  fi
}

choose_source() {
  if [[ -f uv.lock && -f pyproject.toml ]]; then
    manager=uv source_file=uv.lock
  elif [[ -f requirements.txt ]]; then
    manager=pip source_file=requirements.txt
  elif [[ -f pyproject.toml ]]; then
    manager=pip source_file=pyproject.toml
  else
    fail 'no requirements.txt, uv.lock or pyproject.toml' 'Say what the app needs: pip freeze > requirements.txt'
  fi
  [[ ! -f poetry.lock || $source_file == requirements.txt ]] ||
    fail 'poetry.lock is not supported' 'Export it: poetry export -o requirements.txt'
}

# Everything that decides what an install gives. Empty when that includes code of the app itself.
dependencies_key() {
  ! grep -qE '^[[:space:]]*(-e|--editable|\.|/|file:|[^#]*@[[:space:]]*file:)' "$source_file" || return 0
  {
    echo "1 $manager $source_file $python_version $(uname -m)"
    env | grep -E '^(PIP|UV)_' | grep -v '^PIP_CACHE_DIR=' | sort || true
    cat "$source_file"
    [[ $source_file == requirements.txt ]] || cat pyproject.toml
    find . -maxdepth 2 -name '*.txt' -path '*[Rr]equirements*' -o -maxdepth 1 -name '*.txt' | sort | xargs -r -d '\n' cat
  } | sha256sum | cut -d' ' -f1
}

# The key is written last and removed first: what is interrupted is not used again.
save_environment() {
  rm -f "$cache_dir/python.key"
  rm -rf "$cache_dir/python"
  [[ -n $1 ]] || return 0
  cp -a "$environment" "$cache_dir/python"
  echo "$1" >"$cache_dir/python.key"
}

install_with_pip() {
  local requirements=requirements.txt
  if [[ $source_file == pyproject.toml ]]; then
    requirements=/tmp/paas-requirements.txt
    project_dependencies >"$requirements" || fail 'pyproject.toml is not TOML'
  fi
  make_environment "$environment"
  run_filter=without_details \
    run pip --python "$environment/bin/python" install --requirement "$requirements" --progress-bar off || explain_install pip $?
}

# What was asked for and what came of it, without every file on the way.
without_details() {
  sed -uE '/^ +(Downloading|Using cached|Preparing metadata|Getting requirements)/d; /^Installing collected packages/d
    /^Collecting .*->/d; s/^(Collecting .*) \(from -r .*/\1/'
}

# Without pip in it: the stack's pip installs into it.
make_environment() {
  rm -rf "$1"
  python3 -m venv --without-pip "$1"
}

# The app itself is not installed, it runs from where it lies, as with requirements.txt.
project_dependencies() {
  python3 -c '
import tomllib
with open("pyproject.toml", "rb") as file:
    print(*tomllib.load(file).get("project", {}).get("dependencies", []), sep="\n")
'
}

install_with_uv() {
  local uv=$cache_dir/uv
  if [[ ! -x $uv/bin/uv ]]; then
    make_environment "$uv"
    run pip --python "$uv/bin/python" install --quiet uv || fail 'uv could not be downloaded'
  fi
  export UV_PROJECT_ENVIRONMENT=$build_dir/$environment UV_CACHE_DIR=$cache_dir/uv-cache UV_LINK_MODE=copy UV_SYSTEM_CERTS=1
  export UV_PYTHON=/usr/bin/python3 UV_PYTHON_DOWNLOADS=never UV_COMPILE_BYTECODE=1 UV_NO_PROGRESS=1
  run "$uv/bin/uv" sync --locked --no-default-groups || explain_install uv $?
}

explain_install() {
  if grep -q 'lockfile at .* needs to be updated' "$run_log"; then
    fail 'uv.lock does not match pyproject.toml' 'Run uv lock, commit both files and push again.'
  fi
  local missing
  missing=$(grep -m1 -oP 'No matching distribution found for \K.*' "$run_log" || true)
  [[ -z $missing ]] || fail "no version of $missing for Python ${python_version%.*}"
  fail "$([[ $1 == uv ]] && echo 'uv sync' || echo 'pip install') exited with $2"
}
