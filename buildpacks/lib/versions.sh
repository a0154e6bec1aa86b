# Which version of a language an app asks for, in the files that version managers read.

# asked_version NAME...: sets asked_version, and asked_in to the file that says so; both are empty
# when none does. NAMEs are what .tool-versions and mise.toml may call the language.
asked_version() {
  local name file
  asked_version='' asked_in=''
  for file in mise.toml .mise.toml .tool-versions; do
    [[ -f $file ]] || continue
    for name in "$@"; do
      asked_version=$(version_in "$file" "$name")
      [[ -z $asked_version ]] || { asked_in=$file && return; }
    done
  done
}

# version_in FILE NAME: the first version that the file has for this tool.
version_in() {
  case $1 in
    *.toml)
      awk '/^\[/ { within = /^\[tools\]/ } within' "$1" |
        sed -nE "s/^[[:space:]]*\"?$2\"?[[:space:]]*=[^\"']*[\"']([^\"']+)[\"'].*/\1/p" | head -n 1
      ;;
    *) awk -v name="$2" '$1 == name { print $2; exit }' "$1" ;;
  esac
}

# newest_of PREFIX: of the versions on standard input, one a line, the newest that is PREFIX or
# begins with "PREFIX.".
newest_of() { awk -v prefix="$1" '$0 == prefix || index($0, prefix ".") == 1' | sort -V | tail -n 1; }
