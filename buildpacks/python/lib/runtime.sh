# Python itself: the one of the stack, in build and run image alike. Dependencies live in a virtual
# environment in the slug.

environment=.paas/python

check_runtime() {
  python_version=$(python3 --version)
  python_version=${python_version#Python }
  topic "Using Python $python_version of the stack"
  local file wanted
  for file in .python-version runtime.txt; do
    [[ -f $file ]] || continue
    wanted=$(grep -m1 -oE '[0-9]+\.[0-9]+' "$file" || true)
    [[ -z $wanted || $python_version == "$wanted".* ]] ||
      fail "$file requires Python $wanted, but this stack has ${python_version%.*}" "Write ${python_version%.*} into $file, or delete the file, and push again."
  done
}

write_profile() {
  cat >.profile.d/python.sh <<'PROFILE'
export PATH="$HOME/.paas/python/bin:$PATH"
export PYTHONUNBUFFERED=1
export PYTHONHASHSEED="${PYTHONHASHSEED:-random}"
export FORWARDED_ALLOW_IPS="${FORWARDED_ALLOW_IPS:-*}"
export WEB_CONCURRENCY="${WEB_CONCURRENCY:-2}"
PROFILE
  # shellcheck disable=SC2016 # the next pack expands it
  printf 'export PATH="%s/%s/bin:$PATH"\n' "$build_dir" "$environment" >"$pack_dir/export"
  export PATH=$build_dir/$environment/bin:$PATH
}
