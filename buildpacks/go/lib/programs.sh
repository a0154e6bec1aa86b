# Which programs an app has, and how they are built and found: those that are named, else those in
# the root and under cmd/, else all.

find_programs() {
  programs=()
  local named=${GO_INSTALL_PACKAGE_SPEC:-$(heroku_comment install)}
  if [[ -n $named ]]; then
    read -ra programs <<<"$named"
    return
  fi
  local all
  all=$(main_packages) || explain_and_fail "the packages of $(go_file) cannot be read"
  # Looking at them fetches the modules that they need.
  indent <"$run_log"
  mapfile -t programs < <(grep -E '^\.(/cmd/.*)?$|^\./[^ ]*/cmd/[^/]+$' <<<"$all")
  ((${#programs[@]} > 0)) || mapfile -t programs < <(grep . <<<"$all")
  ((${#programs[@]} > 0)) || fail 'there is no program: no package main' \
    "No directory of $(go_file) has \`package main\` with \`func main()\`. Add one in the root or under cmd/, and push again."
}

go_file() { if [[ -f go.work ]]; then echo go.work; else echo go.mod; fi; }

# Directories, from here, of all packages that are programs; of all modules of a workspace.
main_packages() {
  local modules patterns=()
  modules=$(go list -m -f '{{.Dir}}' 2>"$run_log") || return
  while read -r module; do patterns+=("$module/..."); done <<<"$modules"
  go list -e -find -f '{{if eq .Name "main"}}{{.Dir}}{{end}}' "${patterns[@]}" 2>"$run_log" |
    sed -e "s|^$(pwd -P)|.|" -e "s|^$build_dir|.|" | sort -u
}

build_programs() {
  local started
  refuse_same_names
  started=$(mktemp)
  topic "Building ${programs[*]} with go install"
  local status=0
  run go install "${programs[@]}" || status=$?
  ((status == 0)) || explain_and_fail "go install exited with $status"
  # What was vendored is in the programs now.
  [[ ! -f vendor/modules.txt ]] || rm -rf vendor
  mapfile -t built < <(find bin -maxdepth 1 -type f -executable -newer "$started" -printf '%f\n' | sort)
  detail "Programs: ${built[*]/#/bin/}"
}

# A program is named after its directory.
refuse_same_names() {
  local twice
  twice=$(printf '%s\n' "${programs[@]##*/}" | sed '/^\.*$/d' | sort | uniq -d | head -n 1)
  [[ -z $twice ]] || fail "two programs are named $twice" \
    "Rename the directory of one, or choose what is built: paas config:set GO_INSTALL_PACKAGE_SPEC='./cmd/$twice'"
}

write_profile() {
  write_memory_profile
  cat >.profile.d/go.sh <<'PROFILE'
export PATH="$HOME/bin:$PATH"
# Go collects in time to stay below nine tenths of the dyno's memory (pkg.go.dev/runtime).
[ -z "$paas_memory_mib" ] || export GOMEMLIMIT="${GOMEMLIMIT:-$((paas_memory_mib * 9 / 10))MiB}"
PROFILE
  # shellcheck disable=SC2016 # the next pack expands it
  printf 'export PATH="%s/bin:$PATH"\n' "$build_dir" >"$pack_dir/export"
}

# name_of_module: the last part of its path, before its major version.
name_of_module() {
  local module=''
  [[ ! -f go.mod ]] || module=$(sed -nE 's/^module[[:space:]]+"?([^"[:space:]]+).*/\1/p' go.mod | head -n 1)
  [[ ! $module =~ /v[0-9]+$ ]] || module=${module%/*}
  echo "${module##*/}"
}
