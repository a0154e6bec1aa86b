# Elixir and Erlang themselves: those of the stack, in build and run image alike, or another Elixir
# for that Erlang, which mise installs and a release has in it.

# mix.exs has the last word, since Mix holds the project to it. Files of version managers name one
# release of many that are alike: any Elixir of the same minor version will do, and any Erlang of
# the same major one.
choose_versions() {
  local version
  version=$(</usr/lib/elixir/lib/elixir/ebin/elixir.app)
  [[ $version =~ \{vsn,[[:space:]]*\"([0-9.]+) ]]
  elixir_version=${BASH_REMATCH[1]}
  otp_version=$(basename /usr/lib/erlang/releases/[0-9]*)
  other_elixir=
  asked_for erlang
  case ${wanted%%-*}. in
    . | latest. | "$otp_version".*) ;;
    *) refuse_erlang ;;
  esac
  asked_for elixir
  case ${wanted%%-*}. in
    . | latest. | 1. | "${elixir_version%.*}".*)
      [[ $elixir_fits == good ]] || use_other_elixir "$asked_elixir" mix.exs
      ;;
    *) use_other_elixir "$wanted" "$asked_in" ;;
  esac
  topic "Using Elixir $elixir_version${other_elixir:+ ($asked_in: $wanted)} and Erlang/OTP $otp_version of the stack"
}

# asked_for NAME: sets wanted, empty when nothing is, and asked_in.
asked_for() {
  asked_version=$(setting "$1_version") asked_in=elixir_buildpack.config
  if [[ -z $asked_version && -f .$1-version ]]; then asked_version=$(head -n 1 ".$1-version") asked_in=.$1-version; fi
  [[ -n $asked_version ]] || asked_version "$1"
  wanted=${asked_version//[[:space:]]/}
  wanted=${wanted#OTP-}
  wanted=${wanted#v}
}

refuse_erlang() {
  fail "$asked_in asks for Erlang $wanted, but this stack has Elixir $elixir_version on Erlang/OTP $otp_version" \
    "Write $otp_version into $asked_in, or delete the line, and push again." \
    'For another Erlang the app can be built by a Dockerfile.'
}

# use_other_elixir WANTED FILE: hex.pm has each version compiled for several Erlangs. Debian's Hex
# goes with it.
use_other_elixir() {
  local minor=${elixir_version%.*}
  wanted=$1 asked_in=$2
  elixir_range=$wanted
  if [[ $asked_in != mix.exs ]]; then
    case ${wanted%%-*} in
      *[!0-9.]* | .* | *. | *..* | *.*.*.*) fail "$asked_in asks for Elixir $wanted, which is no version" 'Write one such as 1.19 or 1.19.4, and push again.' ;;
      *.*.*) elixir_range="== ${wanted%%-*}" ;;
      *) elixir_range="~> ${wanted%%-*}.0" ;;
    esac
  fi
  mise_sources=builds.hex.pm
  mise_remedy=("Without it there is Elixir $elixir_version of the stack. Write $minor into $asked_in, or delete the line, and push again.")
  [[ $asked_in != mix.exs ]] ||
    mise_remedy=("Without it there is Elixir $elixir_version of the stack. Write elixir: \"~> $minor\" into mix.exs, and push again.")
  get_by_mise Elixir elixir "$wanted"
  forget_mise
  other_elixir=$tool_dir
  elixir_version=$tool_version
  mkdir -p "$root/libraries"
  ln -sfn /usr/lib/elixir/lib/hex "$root/libraries/hex"
  export PATH=$tool_dir/bin:$PATH ERL_LIBS=$root/libraries
}

# choose_release: the newest on standard input that is for this Erlang and in the range.
choose_release() {
  /usr/bin/elixir -e '
    [range, otp] = System.argv()
    IO.stream()
    |> Stream.map(&String.trim/1)
    |> Enum.filter(&Regex.match?(~r/^\d+\.\d+\.\d+-otp-#{otp}$/, &1))
    |> Enum.map(&hd(String.split(&1, "-")))
    |> Enum.filter(&Version.match?(&1, range))
    |> Enum.sort({:desc, Version})
    |> Enum.take(1)
    |> Enum.each(&IO.puts(&1 <> "-otp-" <> otp))
  ' -- "$elixir_range" "$otp_version"
}
