# Prints what mix.exs says, a line each: the version of Elixir that it requires, "good" if this one
# will do, the release that is made ("!" and the reason when none can be), whether it must be named,
# and has a cookie of its own, whether a lock file has to say what is fetched, the names of aliases
# and dependencies, and the mix.exs of the apps of an umbrella; and then a line that is never empty.
Mix.start()
Mix.env(:prod)
if env = System.get_env("MIX_ENV"), do: Mix.env(String.to_atom(env))

try do
  Code.compile_file("mix.exs")
rescue
  error ->
    IO.puts(:stderr, Exception.format(:error, error, []))
    System.halt(1)
end

config = Mix.Project.config()

if Mix.Project.get() == nil do
  IO.puts(:stderr, "mix.exs defines no module that uses Mix.Project")
  System.halt(1)
end

required = config[:elixir] || ""

fits =
  case Version.parse_requirement(required) do
    {:ok, requirement} -> Version.match?(System.version(), requirement)
    :error -> required == ""
  end

releases = Keyword.get(config, :releases, [])
names = Keyword.keys(releases)
asked = System.get_env("MIX_RELEASE_NAME", "")

release =
  cond do
    asked != "" -> asked
    config[:default_release] -> config[:default_release]
    length(names) == 1 -> hd(names)
    config[:app] in names -> config[:app]
    names != [] -> "!several " <> Enum.join(names, " ")
    Mix.Project.umbrella?() -> "!umbrella"
    true -> config[:app]
  end

options =
  case Enum.find(releases, fn {name, _} -> to_string(name) == to_string(release) end) do
    {_, options} when is_list(options) -> options
    _ -> []
  end

projects = if Mix.Project.umbrella?(), do: Path.wildcard("#{config[:apps_path] || "apps"}/*/mix.exs"), else: []

deps =
  for dep <- Keyword.get(config, :deps, []),
      options = Enum.find(Tuple.to_list(dep), [], &is_list/1),
      only = List.wrap(options[:only] || Mix.env()),
      Mix.env() in only,
      do: {elem(dep, 0), options}

fetched = Enum.any?(deps, fn {_, options} -> !options[:path] && !options[:in_umbrella] end)

IO.puts(required)
IO.puts(if fits, do: "good", else: "other")
IO.puts(release)
IO.puts(if asked != "" or names != [], do: "named", else: "")
IO.puts(if options[:cookie], do: "cookie", else: "")
IO.puts(if fetched, do: "fetched", else: "")
IO.puts(config |> Keyword.get(:aliases, []) |> Keyword.keys() |> Enum.join(" "))
IO.puts(deps |> Enum.map(&elem(&1, 0)) |> Enum.join(" "))
IO.puts(Enum.join(projects, " "))
IO.puts("that is all")
