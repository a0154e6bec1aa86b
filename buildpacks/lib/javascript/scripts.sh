# What the install scripts of dependencies made of a tree is kept beside it, and taken again as long
# as what they may have seen is the same: the tree, the environment, the packages of the image, the
# names of the app's files, and the content of those that were opened while they ran. Scripts that
# changed anything outside of node_modules run at every build (docs/decisions/0178).
# The cache has .scripts.key, .scripts.read, checksums of what was opened, and .scripts.tar.

# What is another one in each build, and means nothing to them.
hide_from_scripts() {
  local name
  unseen=()
  for name in HOSTNAME REQUEST_ID SOURCE_VERSION PAAS_REASON_FILE PAAS_TREE_FILE; do
    # A config var of that name is the app's own.
    [[ -f $env_dir/$name ]] || unseen+=(-u "$name")
  done
}

has_kept_scripts() { [[ -f $(kept_tree node_modules).scripts.key ]]; }

scripts_key() {
  local file
  {
    echo 1
    cat "$(kept_tree node_modules).key" /var/lib/dpkg/status
    for file in "$env_dir"/*; do [[ ! -f $file ]] || printf '%s\0%s\0' "$file" "$(<"$file")"; done
    {
      env "${unseen[@]}" --null
      find . \( -path ./node_modules -o -path ./.paas/tree \) -prune -o -printf '%y %m %P %l\0'
    } | sort --zero-terminated
  } | sha256sum
}

# take_kept_scripts: what they made before. Fails where something may be otherwise now.
take_kept_scripts() {
  local kept
  kept=$(kept_tree node_modules).scripts
  [[ -f $kept.key && $(<"$kept.key") == "$(scripts_key)" ]] || return 1
  [[ ! -s $kept.read ]] || sha256sum --check --status "$kept.read" 2>/dev/null || return 1
  [[ ! -f $kept.tar ]] || tar --extract --file="$kept.tar" --directory="${build_dir%/*}/"
}

# watch_scripts: before they run.
watch_scripts() {
  local kept said=''
  kept=$(kept_tree node_modules).scripts
  rm -f "$kept".{key,read,tar}
  scripts_begun=/tmp/paas-scripts-begun
  scripts_seen=$(scripts_key)
  # No script gets these ends of it; they are gone when it has ended.
  coproc opened { perl "$javascript/opened.pl" "$build_dir" node_modules; }
  opened_pid=$!
  local ends=("${opened[@]-}")
  opened_end=${ends[1]-}
  # Of one that has ended already there are none, and what this program itself reads is not its.
  opened_names=
  [[ -z ${ends[0]-} ]] || { exec {opened_names}<&"${ends[0]}"; } 2>/dev/null || true
  [[ -n $opened_names ]] || exec {opened_names}</dev/null
  read -r said <&"$opened_names" || true
  [[ $said == ready ]] || opened_pid=
  touch "$scripts_begun"
  sleep 0.02
}

# keep_scripts: what they have made, if all that they saw is known, and all that they did.
keep_scripts() {
  local kept names=/tmp/paas-scripts-opened
  kept=$(kept_tree node_modules).scripts
  [[ -n $opened_pid ]] && kill -0 "$opened_pid" 2>/dev/null || return 0
  eval "exec $opened_end>&-"
  cat <&"$opened_names" >"$names"
  wait "$opened_pid" || return 0
  [[ -z $(find . -path ./node_modules -prune -o -newercm "$scripts_begun" -print -quit) ]] || return 0
  changed_by_scripts "$kept" || return 0
  xargs --null --no-run-if-empty sha256sum <"$names" >"$kept.read" 2>/dev/null || return 0
  echo "$scripts_seen" >"$kept.key"
}

# changed_by_scripts KEPT: packs it. Fails when names are gone.
changed_by_scripts() (
  cd "${build_dir%/*}/" || return
  local at=${build_dir##*/} changed=/tmp/paas-scripts-changed elsewhere=()
  # shellcheck disable=SC2054 # the comma is find's
  ! is_layered scripts 2>/dev/null || elsewhere=(-type d ! -newercm "$scripts_begun" -prune ,)
  find "$at/node_modules" "${elsewhere[@]}" -newercm "$scripts_begun" \
    \( -fprint0 "$changed" , -type d -fprintf "$changed.directories" '%i %p\0' \)
  [[ -s $changed ]] || return 0
  [[ -z $(gone_from "$changed.directories" <"${1%.scripts}.list" | head -c 1) ]] || return 1
  TAR_OPTIONS='' tar --create --format=gnu --file="$1.tar" --no-recursion --null --files-from="$changed"
)
