# What apt-get and curl say, and what to do about it.

explain_update() {
  local status=$?
  indent <"$run_log"
  if said 'is not signed|NO_PUBKEY|signatures could.?n.t be verified|Missing key'; then
    fail 'a repository of Aptfile is not signed with a key that is known' \
      'Commit its key, and name it in the line: :repo:deb [signed-by=/app/KEY.asc] https://HOST/PATH SUITE COMPONENT'
  elif said 'does not have a Release file|404 '; then
    fail 'a repository has not what is looked for' 'Is the suite right? This is Debian 13, whose name is trixie. Packages that are gone: push again.'
  elif said 'Could not resolve|Temporary failure|Could not connect|Connection (failed|refused|timed out)|Unable to connect|Cannot initiate'; then
    fail 'the mirror of packages is not reached' \
      'The lines above name it. Is it down, or closed to builds? With an unchanged Aptfile nothing is downloaded.'
  fi
  fail "apt-get exited with $status"
}

explain_packages() {
  local status=$? unknown
  indent <"$run_log"
  mapfile -t unknown < <(sed -nE "s/^E: Unable to locate package ([^ ]+).*/\1/p; s/^E: Package '([^']+)' has no installation candidate/\1/p" "$run_log")
  if ((${#unknown[@]} > 0)); then
    local near
    near=$(near_names "${unknown[0]}")
    fail "Aptfile: Debian 13 has no package ${unknown[0]}" \
      "${near:+Similar names: $near. }Names of Ubuntu's packages, which Heroku has, may differ: look them up on packages.debian.org."
  elif said "^E: (Version|Release) '"; then
    fail 'Aptfile names a version that there is not' 'Mirrors keep the newest only: write the name without a version.'
  elif said 'unmet dependencies|held broken packages'; then
    fail 'the packages of Aptfile do not fit together, or not to Debian 13' 'The lines above say which one needs what.'
  fi
  fail "apt-get exited with $status"
}

explain_address() {
  indent <"$run_log"
  fail "Aptfile: $1 was not downloaded" 'Is the address right, and reached by builds?'
}

explain_archive() {
  indent <"$run_log"
  fail "Aptfile: $1 cannot be unpacked" 'Files at an address in Aptfile must be packages of Debian. Or push with an empty cache: git push -o no-cache'
}

# near_names NAME
near_names() {
  local options
  mapfile -t options < <(apt_options)
  apt-cache "${options[@]}" pkgnames "${1:0:3}" | python3 -I -c '
import difflib, sys
print(*difflib.get_close_matches(sys.argv[1], sys.stdin.read().split(), 4, 0.7), sep=", ")
' "$1"
}
