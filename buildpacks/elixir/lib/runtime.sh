# Elixir and Erlang themselves, those of the stack in build and run image alike.

# mix.exs has the last word, since Mix holds the project to it. Files of version managers name one
# release of many that are alike: any Elixir of the same minor version will do, and any Erlang of
# the same major one.
check_versions() {
  local version
  version=$(</usr/lib/elixir/lib/elixir/ebin/elixir.app)
  [[ $version =~ \{vsn,[[:space:]]*\"([0-9.]+) ]]
  elixir_version=${BASH_REMATCH[1]}
  otp_version=$(basename /usr/lib/erlang/releases/[0-9]*)
  [[ $elixir_fits == good ]] || refuse_version mix.exs Elixir "$asked_elixir" "elixir: \"~> ${elixir_version%.*}\""
  check_version Elixir elixir "${elixir_version%.*}"
  check_version Erlang erlang "$otp_version"
  topic "Using Elixir $elixir_version and Erlang/OTP $otp_version of the stack"
}

# check_version LANGUAGE NAME STACK: what the files ask for must be STACK or a release of it.
check_version() {
  local wanted in=elixir_buildpack.config
  wanted=$(setting "$2_version")
  if [[ -z $wanted && -f .$2-version ]]; then wanted=$(head -n 1 ".$2-version") in=.$2-version; fi
  if [[ -z $wanted ]]; then
    asked_version "$2"
    wanted=$asked_version in=$asked_in
  fi
  wanted=${wanted//[[:space:]]/}
  wanted=${wanted#OTP-}
  wanted=${wanted#v}
  case ${wanted%%-*}. in
    . | latest. | "$3".* | "${3%%.*}".) ;;
    *) refuse_version "$in" "$1" "$wanted" "$3" ;;
  esac
}

# refuse_version FILE LANGUAGE WANTED RIGHT
refuse_version() {
  fail "$1 asks for $2 $3, but this stack has Elixir $elixir_version on Erlang/OTP $otp_version" \
    "Write $4 into $1, or delete the line, and push again." \
    'For another version the app can be built by a Dockerfile.'
}
