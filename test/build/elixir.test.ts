import { readFileSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { packFacts } from '../../src/build/packs.ts'
import { runIn, type AppBuilder } from './builder.ts'
import { PackHost } from './pack-host.ts'

let host: PackHost
let app: AppBuilder
/** What `mix new --sup` makes, alone and with packages of a registry of Hex. */
let plain: string
let withPackages: string
let hex: Record<string, string>
/** Settings of mise that name a server with one more version of Elixir: the stack's, under another number. */
let mirror: Record<string, string>
beforeAll(async () => {
  host = await PackHost.start()
  await host.builder.buildImage(['elixir'])
  const made = await host.builder.generate(packFacts.elixir.toolchain ?? [], makeApps)
  ;[plain, withPackages] = [join(made, 'plain'), join(made, 'packages')]
  hex = { HEX_MIRROR: await serve(join(made, 'registry')), HEX_UNSAFE_REGISTRY: '1' }
  const compiled = await serve(join(made, 'compiled'))
  mirror = {
    MISE_USE_VERSIONS_HOST: 'false',
    MISE_URL_REPLACEMENTS: JSON.stringify({ 'https://builds.hex.pm/builds/elixir': compiled }),
  }
  app = await host.builder.app({ 'mix.exs': '' })
}, 900_000)
afterAll(async () => {
  await app?.[Symbol.asyncDispose]()
  await host?.[Symbol.asyncDispose]()
})

const makeApps = `export HOME=/tmp MIX_ENV=prod
${readFileSync(resolve(import.meta.dirname, '../helpers/hex-registry.sh'), 'utf8').replaceAll('"$1', '"/srv/app/registry')}
mix new plain --app hello --sup
mix new packages --app hello --sup
cd packages
sed -i 's/# {:dep_from_hexpm.*/{:shout, "~> 1.0"}, {:names, "~> 1.0"}/' mix.exs
until curl --silent http://127.0.0.1:8000 >/dev/null; do :; done
MIX_REBAR3=/bin/true mix deps.get
rm -r deps
mkdir /srv/app/compiled /tmp/elixir
cp -rL /usr/lib/elixir/bin /usr/lib/elixir/lib /tmp/elixir
rm -r /tmp/elixir/lib/hex
(cd /tmp/elixir && zip -qr /srv/app/compiled/v1.19.9-otp-27.zip .)
printf 'v%s abc 2026-01-01T00:00:00Z\\n' 1.19.9 1.19.9-otp-27 1.19.10-otp-28 1.20.1-otp-27 >/srv/app/compiled/builds.txt`

/** Puts all files of a directory there; gives the URL of that. */
async function serve(directory: string): Promise<string> {
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    if (entry.isFile()) host.server.put(`${basename(directory)}${path.slice(directory.length)}`, readFileSync(path))
  }
  return host.server.url(basename(directory))
}

/** A server without a library, whose answers have this body, an expression. */
const server = (body = '"Hello from #{Hello.name()}"') => ({
  'lib/hello.ex': 'defmodule Hello do\n  def name, do: "Elixir"\nend\n',
  'lib/hello/application.ex': `defmodule Hello.Application do
  use Application

  def start(_type, _args) do
    port = String.to_integer(System.get_env("PORT") || "4000")
    Supervisor.start_link([{Task, fn -> listen(port) end}], strategy: :one_for_one, name: Hello.Supervisor)
  end

  defp listen(port) do
    {:ok, socket} = :gen_tcp.listen(port, [:binary, packet: :http_bin, active: false, reuseaddr: true])
    accept(socket)
  end

  defp accept(socket) do
    {:ok, client} = :gen_tcp.accept(socket)
    {:ok, _request} = :gen_tcp.recv(client, 0)
    body = ${body}
    :gen_tcp.send(client, "HTTP/1.1 200 OK\\r\\nconnection: close\\r\\ncontent-length: #{byte_size(body)}\\r\\n\\r\\n" <> body)
    :gen_tcp.close(client)
    accept(socket)
  end
end
`,
})

describe('an Elixir app', () => {
  it('of mix new becomes a release on the Erlang of the stack, fitted to its dyno', async () => {
    await app.replace(server('Enum.join([System.schedulers() | [Hello.name(), :code.root_dir()]], " ")'), plain)
    const result = await app.build()
    expect(result).toMatchObject({
      buildpack: 'Elixir',
      processTypes: { web: 'bin/hello start', console: 'bin/hello start_iex' },
    })
    expect(app.output).toContain('-----> Using Elixir 1.18.3 and Erlang/OTP 27 of the stack')
    await using running = await app.serve(result)
    expect(await running.get('/')).toMatchObject({ status: 200, body: '1 Elixir /usr/lib/erlang' })
    const { output } = await runIn(result, 'du -sm /app | cut -f1; ls -A /app; bin/hello eval "IO.puts(Hello.name())"')
    expect(Number(output.split('\n')[0])).toBeLessThan(6)
    expect(output.split('\n').slice(1)).not.toContain('deps')
    expect(output).toMatch(/Elixir\n$/)
  })

  it('has what changed compiled, even in a commit that is older than the last one', async () => {
    await app.commit({ 'lib/hello.ex': 'defmodule Hello do\n  def name, do: "Erlang"\nend\n' })
    await app.repository.git('commit', '--amend', '--no-edit', '--date=2020-01-01T00:00:00Z')
    process.env['GIT_COMMITTER_DATE'] = '2020-01-01T00:00:00Z'
    await app.repository.git('commit', '--amend', '--no-edit')
    delete process.env['GIT_COMMITTER_DATE']
    const { output } = await runIn(await app.build(), 'bin/hello eval "IO.puts(Hello.name())"')
    expect(output).toBe('Erlang\n')
  })

  it('has packages of Hex, which are restored while mix.lock is unchanged', async () => {
    await app.replace(server('Shout.shout(:names.name())'), withPackages)
    const result = await app.build({ config: hex })
    expect(app.output).toMatch(/-----> Getting rebar3\n[^]*\* Getting names/)
    await using running = await app.serve(result)
    expect(await running.get('/')).toMatchObject({ status: 200, body: 'ERLANG' })
    await app.commit({ 'README.md': 'Greets.\n' })
    await app.build({ config: hex })
    expect(app.output).toContain('mix.lock has not changed: restoring the dependencies from the cache')
    expect(app.output).not.toMatch(/rebar3|Getting names/)
  })

  it('may be started with Mix, as on Heroku, with all that is compiled', async () => {
    await app.commit({ Procfile: 'web: mix run --no-halt\nrelease: mix run --no-start -e 1\n' })
    const result = await app.build({ config: hex })
    expect(app.output).not.toContain('mix release')
    await using running = await app.serve(result)
    expect(await running.get('/')).toMatchObject({ status: 200, body: 'ERLANG' })
    const { output } = await runIn(result, 'mix run --no-start -e "IO.puts(Shout.shout(Hello.name()))"')
    expect(output).toBe('ELIXIR\n')
  })

  it('has another Elixir through mise where the stack has not what it asks for', async () => {
    await app.replace({ ...server('Shout.shout(:names.name())'), '.tool-versions': 'elixir 1.19\n' }, withPackages)
    const result = await app.build({ config: { ...hex, ...mirror } })
    expect(app.output).toContain(
      '-----> Using Elixir 1.19.9-otp-27 (.tool-versions: 1.19) and Erlang/OTP 27 of the stack',
    )
    await using running = await app.serve(result)
    expect(await running.get('/')).toMatchObject({ body: 'ERLANG' })
    await app.commit({ Procfile: 'web: mix run --no-halt\n' })
    const withMix = await app.build({ config: { ...hex, ...mirror } })
    expect(app.output).not.toContain('mise')
    expect((await runIn(withMix, 'command -v mix; mix run --no-start -e "IO.puts(Hello.name())"')).output).toBe(
      '/app/.paas/elixir/bin/mix\nElixir\n',
    )
  })

  it('may have its dependencies in git, and needs no network', async () => {
    const dependency = (name: string) => `{:${name}, path: "vendor/${name}"}`
    const mix = readFileSync(join(plain, 'mix.exs'), 'utf8').replace(/# \{:dep_from_hexpm.*/, dependency('loud'))
    await app.replace(
      {
        ...server('Loud.loud("hi")'),
        'mix.exs': mix,
        'vendor/loud/mix.exs':
          'defmodule Loud.MixProject do\n  use Mix.Project\n  def project, do: [app: :loud, version: "1.0.0"]\nend\n',
        'vendor/loud/lib/loud.ex': 'defmodule Loud do\n  def loud(text), do: text <> "!"\nend\n',
      },
      plain,
    )
    await using running = await app.serve(await app.build())
    expect(await running.get('/')).toMatchObject({ body: 'hi!' })
  })

  it('of Phoenix has its server on, its secret and its assets, and is told what it lacks', async () => {
    const mix = readFileSync(join(plain, 'mix.exs'), 'utf8')
      .replace(/# \{:dep_from_hexpm.*/, '{:phoenix, path: "vendor/phoenix"}')
      .replace('deps: deps()', 'deps: deps(), aliases: ["assets.deploy": ["cmd touch made"]]')
    const phoenix = (version: string) =>
      `defmodule Phoenix.MixProject do\n  use Mix.Project\n  def project, do: [app: :phoenix, version: "${version}"]\nend\n`
    const runtime = `import Config
if config_env() == :prod do
  System.get_env("SECRET_KEY_BASE") || raise "environment variable SECRET_KEY_BASE is missing."
  config :hello, host: System.get_env("PHX_HOST") || raise("no host")
  database = System.get_env("DATABASE_URL") || raise "environment variable DATABASE_URL is missing."
  config :hello, database: database
end
`
    const body =
      'Enum.join([File.exists?("made") | Enum.map(["PHX_SERVER", "SECRET_KEY_BASE"], &System.get_env/1)], " ")'
    const files = {
      ...server(body),
      'mix.exs': mix,
      'vendor/phoenix/mix.exs': phoenix('1.8.0'),
      'config/runtime.exs': runtime,
    }
    await app.replace(files, plain)
    const result = await app.build()
    expect(app.output).toContain('-----> Building assets with mix assets.deploy')
    expect(app.output).toContain('config/runtime.exs asks for config vars that are not set: DATABASE_URL.')
    expect(app.output).toContain('paas addons:create postgresql')
    await using running = await app.serve(result, { DATABASE_URL: 'ecto://x', PAAS_APP_HOST: 'hello.example' })
    const { body: answer } = await running.get('/')
    expect(answer).toMatch(/^true true [0-9a-f]{128}$/)
  })
})

/** The servers that mise asks otherwise are not reached, wherever this runs. */
const nowhere = {
  MISE_USE_VERSIONS_HOST: 'false',
  MISE_URL_REPLACEMENTS: '{"https://builds.hex.pm":"http://hex.invalid"}',
}

describe('an Elixir app that cannot be built', () => {
  const project = (from: string | RegExp, to: string) => readFileSync(join(plain, 'mix.exs'), 'utf8').replace(from, to)
  it.each([
    ['has a mix.exs that is no Elixir', () => ({ 'mix.exs': 'defmodule' }), 'mix.exs cannot be read'],
    [
      'has no lock file',
      () => ({ 'mix.exs': project(/# \{:dep_from_hexpm.*/, '{:shout, "~> 1.0"}') }),
      'there is no mix.lock',
    ],
    [
      'asks for another Elixir where that is not reached',
      () => ({ '.tool-versions': 'elixir 1.15.7-otp-26\n' }),
      'no Elixir 1.15.7-otp-26: what mise would get it from is not reached',
    ],
    [
      'asks for another Erlang',
      () => ({ 'elixir_buildpack.config': 'elixir_version=1.18.1\nerlang_version=26.2\n' }),
      'elixir_buildpack.config asks for Erlang 26.2',
    ],
    [
      'asks for another Elixir in mix.exs',
      () => ({ 'mix.exs': project('~> 1.18', '~> 1.99') }),
      'no Elixir ~> 1.99: what mise would get it from is not reached',
    ],
    [
      'does not compile',
      () => ({ 'lib/hello.ex': 'defmodule Hello do\n  def name, do: nam\nend\n' }),
      'the code does not compile: lib/hello.ex',
    ],
    [
      'reads a config var that is not set',
      () => ({ 'config/config.exs': 'import Config\nconfig :hello, bucket: System.fetch_env!("BUCKET")\n' }),
      'the config var BUCKET is needed while the app is compiled',
    ],
    [
      'has several releases',
      () => ({ 'mix.exs': project('deps: deps()', 'deps: deps(), releases: [one: [], two: []]') }),
      'mix.exs has several releases: one two',
    ],
    [
      'has a task for development only',
      () => ({ 'mix.exs': project('deps: deps()', 'deps: deps(), aliases: ["assets.deploy": ["tailwind hello"]]') }),
      'there is no task tailwind where MIX_ENV is prod',
    ],
    [
      'needs a part of Erlang that is not there',
      () => ({ 'mix.exs': project('[:logger]', '[:logger, :observer]') }),
      'the application observer is not there',
    ],
  ] as const)('because it %s is told what to do', async (_, files, reason) => {
    await app.replace(files(), plain)
    await expect(app.build({ config: nowhere })).rejects.toThrow(`build failed: ${reason}`)
    expect(app.output).toMatch(/^ !     \S/m)
  })

  it('because its lock file is of other dependencies, or Hex is away, is told what to do', async () => {
    const lock = readFileSync(join(withPackages, 'mix.lock'), 'utf8')
    await app.replace({ 'mix.lock': lock.replace(/^ *"names".*\n/m, '') }, withPackages)
    await expect(app.build({ config: hex, noCache: true })).rejects.toThrow('mix.lock does not match mix.exs')
    await app.replace({}, withPackages)
    const away = { ...hex, HEX_MIRROR: 'http://packages.invalid' }
    await expect(app.build({ config: away, noCache: true })).rejects.toThrow(
      'the mirror of hex.pm (HEX_MIRROR) is not reached',
    )
  })
})
