# Python itself: the one of the stack, in build and run image alike, or the one that is asked for,
# which uv downloads. Dependencies live in a virtual environment in the slug; another Python lies in
# it, so that it is in the same layer.

environment=.paas/python
stack_python=/usr/bin/python3

# Sets python, what environments are made with, and python_version.
choose_python() {
  stack_version=$("$stack_python" --version)
  stack_version=${stack_version#Python }
  python=$stack_python python_version=$stack_version runtime=''
  asked_for_python
  if [[ -z $asked_version || $asked_version == system || $fits == yes ]]; then
    topic "Using Python $stack_version of the stack${asked_in:+ ($asked_in)}"
  else
    get_python
    topic "Using Python $python_version ($asked_in)"
  fi
}

# Sets asked_version, asked_in, and fits to yes if the stack's is such a one. A bug-fix release is
# as good as another one of its series.
asked_for_python() {
  local file
  asked_version='' asked_in='' fits=''
  for file in .python-version runtime.txt; do
    [[ ! -f $file ]] || asked_version=$(sed -E 's/#.*//; s/^[[:space:]]*(python-|cpython[-@])?([^[:space:]]*).*/\2/; /./!d; q' "$file")
    [[ -z $asked_version ]] || { asked_in=$file && break; }
  done
  [[ -n $asked_version ]] || asked_version python
  if [[ -z $asked_version ]]; then
    asked_by_projects
  elif [[ $asked_version =~ ^[0-9]+(\.[0-9]+)?(\.[0-9]+)?$ ]]; then
    local series=${stack_version%.*}
    [[ "$asked_version." != "$series."* && $asked_version != "${series%.*}" ]] || fits=yes
  fi
}

# What pyproject.toml and Pipfile ask for.
asked_by_projects() {
  grep -qsE '^ *"?(requires-python|python|python_(full_)?version)"? *=' pyproject.toml Pipfile || return 0
  local answer
  mapfile -t answer < <("$stack_python" -IB "$pack_dir/lib/plan/python.py" "$stack_version")
  asked_version=${answer[0]:-} asked_in=${answer[1]:-} fits=${answer[2]:-}
}

# From the cache, or downloaded by uv into it.
get_python() {
  [[ $asked_version =~ ^[A-Za-z0-9.,@+*\<\>=!~\ -]+$ ]] ||
    fail "$asked_in asks for Python $asked_version, which is no version" 'Write one such as 3.13 or 3.12.11, and push again.'
  install_tool uv
  export UV_PYTHON_INSTALL_DIR=$cache_dir/pythons UV_SYSTEM_CERTS=1 UV_NO_PROGRESS=1
  find_python || download_python
  python_version=${runtime##*/}
  python_version=${python_version#*-}
  python_version=${python_version%%-*}
  python=$build_dir/$environment/runtime/bin/python3
}

find_python() {
  runtime=$("$tool/bin/uv" python find --managed-python --no-python-downloads --no-project "$asked_version" 2>/dev/null) || return
  runtime=$(dirname "$(dirname "$(readlink --canonicalize "$runtime")")")
}

download_python() {
  topic "Downloading Python $asked_version with uv ($asked_in)"
  uv_python_install || install_with_newer_uv || explain_python
  find_python || fail "uv installed Python $asked_version and does not find it" 'Push with an empty cache: git push -o no-cache'
  # What only those who change Python itself use.
  rm -rf "$runtime"/lib/python*/{test,idlelib} "$runtime"/lib/python*/config-*/*.a
}

uv_python_install() { run "$tool/bin/uv" python install --managed-python --no-bin "$asked_version"; }

# A newer one knows newer versions.
install_with_newer_uv() {
  grep -q 'No download found' "$run_log" || return
  rm -rf "$tool"
  install_tool uv
  uv_python_install
}

explain_python() {
  if grep -q 'No download found' "$run_log"; then
    fail "$asked_in asks for Python $asked_version, which does not exist" "There is: $(known_pythons). Write one of them, and push again."
  elif grep -qE 'Failed to (download|install)|error sending request' "$run_log"; then
    fail "Python $asked_version cannot be downloaded" \
      "$asked_in asks for it. uv downloads Python from github.com, or where the config var UV_PYTHON_INSTALL_MIRROR says." \
      "Builds do not get it there. Without a download there is ${stack_version%.*}: write that into $asked_in, and push again." \
      'Or give the address of a copy: paas config:set UV_PYTHON_INSTALL_MIRROR=https://HOST/PATH'
  fi
  fail "$asked_in asks for Python $asked_version, which is no version" 'Write one such as 3.13 or 3.12.11, and push again.'
}

known_pythons() {
  "$tool/bin/uv" python list --only-downloads 2>/dev/null | sed -nE 's/^cpython-([0-9]+\.[0-9]+)\.[0-9]+-.*/\1/p' | paste -sd ' '
}

# place_python: where the environment is to be.
place_python() {
  [[ -n $runtime ]] || return 0
  mkdir -p "$environment"
  cp -a "$runtime" "$environment/runtime"
}

write_profile() {
  write_memory_profile
  cat >.profile.d/python.sh <<'PROFILE'
export PATH="$HOME/.paas/python/bin:$PATH"
export PYTHONUNBUFFERED=1
export PYTHONHASHSEED="${PYTHONHASHSEED:-random}"
export FORWARDED_ALLOW_IPS="${FORWARDED_ALLOW_IPS:-*}"
# A process takes some 256 MiB, and more than two for each processor are of no use, as on Heroku.
# gunicorn, uvicorn and others read this.
if [ -z "$WEB_CONCURRENCY" ]; then
  WEB_CONCURRENCY=$((${paas_memory_mib:-512} / 256))
  most=$(($(nproc) * 2 + 1))
  [ "$WEB_CONCURRENCY" -le "$most" ] || WEB_CONCURRENCY=$most
  [ "$WEB_CONCURRENCY" -ge 1 ] || WEB_CONCURRENCY=1
  export WEB_CONCURRENCY
  unset most
fi
PROFILE
  # shellcheck disable=SC2016 # the next pack expands it
  printf 'export PATH="%s/%s/bin:$PATH"\n' "$build_dir" "$environment" >"$pack_dir/export"
  export PATH=$build_dir/$environment/bin:$PATH
}
