import type { Starter } from '../starter.ts'

/** hex.pm is not reached from everywhere: the libraries are Debian's, beside the app as compiled. */
const vendored = (name: string, from: string) =>
  `mkdir -p vendor/${name}\ncp -rL ${from}/. vendor/${name}\nsed -i 's/# {:dep_from_hexpm.*/{:${name}, path: "vendor\\/${name}", compile: "true"},\\n      &/' mix.exs`

export const elixir: Starter[] = [
  {
    name: "Elixir: mix new --sup, with Erlang's inets",
    pack: 'elixir',
    script: `mix new . --app hello --sup
      sed -i 's/\\[:logger\\]/[:logger, :inets]/' mix.exs
      echo '<p>Hello from inets</p>' >index.html
      cat >lib/hello/application.ex <<'ELIXIR'
defmodule Hello.Application do
  use Application

  @impl true
  def start(_type, _args) do
    options = [port: String.to_integer(System.get_env("PORT", "4000")), server_name: ~c"hello", server_root: ~c".", document_root: ~c".", bind_address: :any]
    children = [%{id: :httpd, start: {:inets, :start, [:httpd, options, :stand_alone]}}]
    Supervisor.start_link(children, strategy: :one_for_one, name: Hello.Supervisor)
  end
end
ELIXIR`,
    path: '/index.html',
    expected: /Hello from inets/,
  },
  {
    name: 'MochiWeb and EarmarkParser',
    pack: 'elixir',
    packages: ['elixir-earmark-parser', 'erlang-mochiweb'],
    script: `mix new . --app hello --sup
      ${vendored('mochiweb', '/usr/lib/erlang/lib/mochiweb')}
      ${vendored('earmark_parser', '/usr/lib/elixir/lib/earmark_parser')}
      cat >lib/hello/application.ex <<'ELIXIR'
defmodule Hello.Application do
  use Application

  @impl true
  def start(_type, _args) do
    options = [port: String.to_integer(System.get_env("PORT", "4000")), ip: {0, 0, 0, 0}, name: :hello, loop: &page/1]
    children = [%{id: :mochiweb, start: {:mochiweb_http, :start_link, [options]}}]
    Supervisor.start_link(children, strategy: :one_for_one, name: Hello.Supervisor)
  end

  defp page(request) do
    {:ok, [{"h1", _, [title], _} | _], _} = EarmarkParser.as_ast(File.read!("README.md"))
    :mochiweb_request.ok({~c"text/html", "<h1>" <> title <> "</h1>"}, request)
  end
end
ELIXIR`,
    path: '/',
    expected: /<h1>Hello<\/h1>/,
  },
]
