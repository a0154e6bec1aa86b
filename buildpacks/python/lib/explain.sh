# What package managers say, and what to do about it.

# explain_install COMMAND STATUS: why it failed.
explain_install() {
  if said 'lockfile at .* needs to be updated|changed significantly since poetry.lock|Your Pipfile\.lock'; then
    explain_outdated
  elif said 'NewConnectionError|ConnectTimeoutError|Failed to fetch: |error sending request for url|All attempts to connect to'; then
    fail 'the package index is not reached' \
      'Is it down, or closed to builds? Another one: paas config:set PIP_INDEX_URL=https://HOST/simple (UV_DEFAULT_INDEX for uv)'
  elif said 'Because .* depends on|ResolutionImpossible|versions have conflicting dependencies'; then
    fail 'the versions that are asked for do not go together' 'The lines above say which. Loosen one of them, and push again.'
  elif said "No such file or directory: '/(croot|opt/conda|home|Users|tmp|private)/|file:///"; then
    fail "$source_file names files of another machine" \
      'Conda writes them. Make the file anew with: pip list --format=freeze > requirements.txt'
  elif said 'No matching distribution found for|no version of|no versions? of|doesn.t match any versions'; then
    explain_no_version
  fi
  explain_compile
  fail "$1 exited with $2" 'The lines above say why. Correct it and push again.'
}

explain_outdated() {
  case $source_file in
    uv.lock) fail 'uv.lock does not match pyproject.toml' 'Run uv lock, commit both files and push again.' ;;
    poetry.lock) fail 'poetry.lock does not match pyproject.toml' 'Run poetry lock, commit both files and push again.' ;;
    Pipfile.lock) fail 'Pipfile.lock does not match Pipfile' 'Run pipenv lock, commit both files and push again.' ;;
  esac
}

explain_no_version() {
  local name needs
  name=$(matched '(No matching distribution found for |no versions? of )\K[^ ,]+')
  needs=$(matched 'Requires-Python \K[^;]+')
  case ${name,,} in
    pywin32* | pywinpty* | pypiwin32* | win32*) fail "$name is for Windows" "Write it with a condition: $name; sys_platform == \"win32\"" ;;
    pkg-resources* | pkg_resources*) fail "$name is no package" "Some versions of Ubuntu's pip freeze write it. Delete the line, and push again." ;;
  esac
  fail "no version of ${name:-a package} for Python ${python_version%.*}" \
    "Is the name right, and the version published?${needs:+ Some are for other Pythons ($needs): write one into .python-version.}"
}

# Packages that are compiled need headers, which some Debian packages beyond the stack's have.
explain_compile() {
  local package header library
  package=$(matched '(Failed building wheel for |Failed to build `?|ERROR: Failed to build .* \()\K[A-Za-z0-9._-]+')
  header=$(matched 'fatal error: \K[^:]+(?=: No such file)')
  library=$(matched 'cannot find -l\K[A-Za-z0-9_+-]+')
  if [[ -n $header ]]; then
    explain_header "${package:-a package}" "$header"
  elif [[ -n $library ]]; then
    fail "${package:-a package} needs the library $library" \
      "Debian's package of it is probably lib${library,,}-dev. Write that into a file Aptfile, and push again."
  elif said 'Rust compiler|rustc.*not found|cargo.*(not found|not installed)|requires Rust'; then
    fail "${package:-a package} is compiled with Rust here" \
      "There is no wheel of this version for Python ${python_version%.*}. Take a newer version of it, or an older Python in .python-version."
  elif said "No module named '(distutils|imp|pkg_resources)'|has no attribute 'ImpImporter'"; then
    fail "${package:-a package} is too old for Python ${python_version%.*}" 'Take a newer version of it, or write an older Python into .python-version.'
  fi
}

declare -A package_of=([sasl/sasl.h]='libldap-dev and libsasl2-dev' [lber.h]='libldap-dev and libsasl2-dev' [ldap.h]=libldap-dev
  [sql.h]=unixodbc-dev [sqlfront.h]=freetds-dev [gdal.h]=libgdal-dev [geos_c.h]=libgeos-dev [proj.h]=libproj-dev [cairo.h]=libcairo2-dev
  [gssapi/gssapi.h]=libkrb5-dev [krb5.h]=libkrb5-dev [portaudio.h]=portaudio19-dev [hdf5.h]=libhdf5-dev [magic.h]=libmagic-dev
  [pcap.h]=libpcap-dev [librdkafka/rdkafka.h]=librdkafka-dev [alsa/asoundlib.h]=libasound2-dev [systemd/sd-daemon.h]=libsystemd-dev
  [snappy-c.h]=libsnappy-dev [lzo/lzo1x.h]=liblzo2-dev [re2/re2.h]=libre2-dev [leveldb/db.h]=libleveldb-dev [xmlsec/xmlsec.h]=libxmlsec1-dev
  [graphviz/cgraph.h]=libgraphviz-dev [libvirt/libvirt.h]=libvirt-dev [mpi.h]=libopenmpi-dev [fftw3.h]=libfftw3-dev [sndfile.h]=libsndfile1-dev
  [dbus/dbus.h]=libdbus-1-dev [glib.h]=libglib2.0-dev [bluetooth/bluetooth.h]=libbluetooth-dev [usb.h]=libusb-dev [cups/http.h]=libcups2-dev)

# explain_header PACKAGE HEADER
explain_header() {
  local needed=${package_of[$2]:-}
  if [[ -n $needed ]]; then
    fail "$1 needs $2, of the Debian package ${needed%% *}" "Write $needed into a file Aptfile in the root, one a line, and push again."
  fi
  fail "$1 needs $2, which is not there" \
    "packages.debian.org says which package has that file: write it into a file Aptfile in the root, and push again."
}
