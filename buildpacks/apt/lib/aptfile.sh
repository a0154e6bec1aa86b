# Aptfile: packages, addresses of .deb files, and `:repo:` with a line of sources.list(5), as
# Heroku's pack for apt has them; # begins a comment.

read_aptfile() {
  names=() addresses=() repositories=()
  local line words word
  while IFS= read -r line || [[ -n $line ]]; do
    line=${line%$'\r'}
    [[ ! $line =~ ^[[:space:]]*(#.*)?$ ]] || continue
    if [[ $line == :repo:* ]]; then
      add_repository "${line#:repo:}"
      continue
    fi
    read -ra words <<<"${line%%[[:space:]]#*}"
    for word in "${words[@]}"; do add_package "$word"; done
  done <Aptfile
}

add_repository() {
  [[ $1 =~ ^deb(-src)?[[:space:]]+(\[[^]]*\][[:space:]]+)?https?://[^[:space:]]+[[:space:]]+[^[:space:]]+ ]] ||
    fail "Aptfile: \"$1\" is no repository" 'Write it as in sources.list(5): :repo:deb https://HOST/PATH SUITE COMPONENT'
  repositories+=("$1")
}

# A name, perhaps with an architecture, a version or a release (apt-get(8)); no option.
add_package() {
  if [[ $1 =~ ^https?://[^[:space:]]+\.deb$ ]]; then
    addresses+=("$1")
  elif [[ $1 =~ ^[a-z0-9][a-z0-9+.-]*(:[a-z0-9]+)?([=/][A-Za-z0-9.+~:-]+)?$ ]]; then
    names+=("$1")
  else
    fail "Aptfile: \"$1\" is neither a package nor the address of a .deb file" \
      'Write one package a line, for example libvips42, or https://HOST/PATH/NAME.deb'
  fi
}
