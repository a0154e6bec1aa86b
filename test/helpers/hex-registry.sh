# Sourced: makes a registry of Hex in $1 with a package in Elixir, `shout`, and one in Erlang that is
# compiled with rebar3, `names`, and serves it at $HEX_MIRROR.
mkdir -p "$1/tarballs" /tmp/shout/lib /tmp/names/src
cat >/tmp/shout/mix.exs <<'MIX'
defmodule Shout.MixProject do
  use Mix.Project
  def project, do: [app: :shout, version: "1.0.0", description: "Shouts", deps: [], package: package()]
  defp package, do: [licenses: ["MIT"], links: %{}, files: ["lib", "mix.exs"]]
end
MIX
cat >/tmp/shout/lib/shout.ex <<'MIX'
defmodule Shout do
  def shout(text), do: String.upcase(text)
end
MIX
cat >/tmp/names/mix.exs <<'MIX'
defmodule Names.MixProject do
  use Mix.Project
  def project, do: [app: :names, version: "1.0.0", description: "Names", deps: [], package: package()]
  defp package, do: [licenses: ["MIT"], links: %{}, files: ["src", "rebar.config"], build_tools: ["rebar3"]]
end
MIX
echo '{erl_opts, [debug_info]}.' >/tmp/names/rebar.config
echo '{application, names, [{vsn, "1.0.0"}, {description, "Names"}, {modules, []}, {applications, [kernel, stdlib]}]}.' >/tmp/names/src/names.app.src
printf '%s\n' '-module(names).' '-export([name/0]).' 'name() -> <<"Erlang">>.' >/tmp/names/src/names.erl
openssl genrsa -out /tmp/key.pem 2>/dev/null
for package in shout names; do
  (cd "/tmp/$package" && mix hex.build)
  cp "/tmp/$package/$package-1.0.0.tar" "$1/tarballs"
done
(cd /tmp && mix hex.registry build "$1" --name=hexpm --private-key=key.pem)
export HEX_MIRROR=http://127.0.0.1:8000 HEX_UNSAFE_REGISTRY=1
python3 -m http.server --directory "$1" --bind 127.0.0.1 8000 2>/dev/null &
