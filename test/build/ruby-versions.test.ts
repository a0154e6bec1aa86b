import { execFile } from 'node:child_process'
import { chmod, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runIn, type AppBuilder, type Builder } from './builder.ts'
import { fromMirror, packagesOf } from './debian-mirror.ts'
import { PackHost } from './pack-host.ts'

const execute = promisify(execFile)
/** One that is in Debian, though not in the release that the stack is made of. */
const version = '3.1.2'

let host: PackHost
let builder: Builder
let app: AppBuilder
let directory: string
/** A directory with vendor/cache, made of Debian's gems, and a lock file. */
let sinatra: string
/** Settings of mise that name mirrors: the server of this test. */
let mirrors: Record<string, string>
beforeAll(async () => {
  host = await PackHost.start()
  builder = host.builder
  directory = await mkdtemp(join(tmpdir(), 'paas-ruby-'))
  const image = await builder.buildImage(['ruby'])
  sinatra = await builder.generate(packages, bundleSinatra)
  await serveCompiled(image)
  mirrors = await mirrorsWith(await builder.generate(packages, copyRubyBuild))
  app = await builder.app({ Gemfile: '' })
}, 900_000)
afterAll(async () => {
  await app?.[Symbol.asyncDispose]()
  await host?.[Symbol.asyncDispose]()
  if (directory) await rm(directory, { recursive: true })
})

const packages = ['bundler', 'ruby', 'ruby-build', 'ruby-rackup', 'ruby-sinatra', 'ruby-webrick']
const packGems = await readFile(resolve(import.meta.dirname, '../helpers/debian-gems.rb'), 'utf8')
const gemfile = (...lines: string[]) =>
  `source "https://rubygems.org"\n${lines.join('\n')}\ngem "sinatra"\ngem "rackup"\ngem "webrick"\n`
const bundleSinatra = `cat >/tmp/pack.rb <<'RUBY'\n${packGems}\nRUBY
cat >Gemfile <<'RUBY'\n${gemfile()}RUBY
bundle lock --local
ruby /tmp/pack.rb sinatra rackup webrick`
const copyRubyBuild = 'mkdir bin share; cp /usr/bin/ruby-build bin; cp -r /usr/share/ruby-build share'

/** ruby-build, which lists the versions there are, as a repository, and an archive of one that is compiled. */
async function mirrorsWith(rubyBuild: string): Promise<Record<string, string>> {
  const paths = ['bin/ruby-build', `share/ruby-build/${version}`, 'share/ruby-build/3.4.1']
  const files = paths.map(async (path) => [path, await readFile(join(rubyBuild, path), 'utf8')])
  const repository = await host.server.repository('ruby-build', {
    'install.sh': 'mkdir -p "$PREFIX"\ncp -r bin share "$PREFIX"\nchmod a+x "$PREFIX"/bin/*\n',
    ...(Object.fromEntries(await Promise.all(files)) as Record<string, string>),
  })
  return {
    MISE_USE_VERSIONS_HOST: 'false',
    MISE_RUBY_BUILD_REPO: repository,
    MISE_RUBY_PRECOMPILED_URL: host.server.url('ruby-{version}.{platform}.tar.gz'),
  }
}

/** Debian's Ruby in one directory, with programs that tell it where it is: it was made for another place. */
async function serveCompiled(image: string): Promise<void> {
  for (const [name, path] of await packagesOf(image, 'bookworm', ['ruby3.1', 'libruby3.1'])) {
    await writeFile(join(directory, `${name}.deb`), await fromMirror(image, path))
    await execute('dpkg-deb', ['--extract', join(directory, `${name}.deb`), join(directory, 'all')])
  }
  const [from, to] = [join(directory, 'all/usr'), join(directory, 'ruby')]
  await mkdir(join(to, 'bin'), { recursive: true })
  await cp(join(from, 'bin/ruby3.1'), join(to, 'bin/ruby-itself'))
  await cp(join(from, 'lib'), join(to, 'lib'), { recursive: true, verbatimSymlinks: true })
  for (const [name, run] of Object.entries(programs)) {
    await writeFile(join(to, 'bin', name), `#!/bin/sh\nat=$(dirname "$(dirname "$(readlink -f "$0")")")\n${run}\n`)
    await chmod(join(to, 'bin', name), 0o755)
  }
  const options = { encoding: 'buffer' as const, maxBuffer: 2 ** 28 }
  const { stdout } = await execute('tar', ['-czC', directory, 'ruby'], options)
  host.server.put(`ruby-${version}.x86_64_linux.tar.gz`, stdout)
}
const programs = {
  ruby: `export LD_LIBRARY_PATH="$at/lib/x86_64-linux-gnu"
export RUBYLIB="$at/lib/ruby/3.1.0:$at/lib/x86_64-linux-gnu/ruby/3.1.0"
exec "$at/bin/ruby-itself" "$@"`,
  bundle: `exec "$at/bin/ruby" -r bundler -r bundler/cli -e 'Bundler::CLI.start(ARGV, debug: true)' -- "$@"`,
}

/** The servers that mise asks otherwise are not reached, wherever this runs. */
const nowhere = {
  MISE_URL_REPLACEMENTS: JSON.stringify({ 'regex:^https://[^/]+': 'http://127.0.0.1:9' }),
  MISE_RUBY_BUILD_REPO: 'http://127.0.0.1:9/ruby-build.git',
  MISE_HTTP_RETRIES: '0',
}
const hello = {
  'app.rb': 'require "sinatra"\n\nget("/") { "Hello from Ruby #{RUBY_VERSION}\\n" }\n',
  'config.ru': 'require "./app"\nrun Sinatra::Application\n',
}
const web = 'bundle exec rackup config.ru -o 0.0.0.0 -p $PORT'

describe('a Ruby app that asks for a Ruby which the stack has not', () => {
  it('gets it through mise, from a mirror, and is run by it', async () => {
    await app.replace({ ...hello, '.ruby-version': '3.1\n' }, sinatra)
    const result = await app.build({ config: mirrors })
    expect(result.processTypes).toMatchObject({ web })
    expect(app.output).toContain(`-----> Installing Ruby ${version} with mise`)
    expect(app.output).toContain(`-----> Using Ruby ${version} (.ruby-version: 3.1)`)
    await using running = await app.serve(result)
    expect(await running.get('/')).toMatchObject({ status: 200, body: `Hello from Ruby ${version}\n` })
  })

  it('has it from the cache, in the layer of its gems', async () => {
    const before = await app.build({ config: nowhere })
    await app.commit({ 'README.md': 'Greets.\n' })
    await app.sandboxes.without(app.id, () => Promise.resolve())
    const result = await app.build({ config: nowhere })
    expect(app.output).not.toContain('mise')
    expect(app.output).toContain('Gemfile.lock has not changed: restoring the gems from the cache')
    expect(Math.abs(result.size - before.size)).toBeLessThan(1000)
    expect((await runIn(result, 'readlink -f $(which ruby); rackup --version')).output).toMatch(
      /^\/app\/\.paas\/bundle\/\.paas\/runtime\/bin\/ruby\nRack/,
    )
  })

  it('gets the newest that its Gemfile allows', async () => {
    await using other = await builder.app({ Gemfile: '' })
    await other.replace({ ...hello, Gemfile: gemfile('ruby "~> 3.1.0"') }, sinatra)
    await other.build({ config: mirrors })
    expect(other.output).toContain(`-----> Using Ruby ${version} (Gemfile: ~> 3.1.0)`)
  })

  it('that is no version is told so', async () => {
    await using other = await builder.app({ Gemfile: '' })
    await other.replace({ ...hello, '.ruby-version': 'jruby-9.4\n' }, sinatra)
    await expect(other.build({ config: nowhere })).rejects.toThrow('.ruby-version asks for Ruby jruby-9.4, which is no')
  })

  it.each([
    ['that is not reached', { '.tool-versions': 'ruby 3.4.1\n' }, 'no Ruby 3.4.1: what mise would get it from is not'],
    ['in its Gemfile that is not reached', { Gemfile: gemfile('ruby "3.2.1"') }, 'no Ruby 3.2.1: what mise would'],
  ])('%s is told which there are without it', async (_, files, reason) => {
    await using other = await builder.app({ Gemfile: '' })
    await other.replace({ ...hello, ...files }, sinatra)
    await expect(other.build({ config: nowhere })).rejects.toThrow(`build failed: ${reason}`)
    expect(other.output).toMatch(/^ ! {5}Without it there is Ruby 3\.3\.\d+ of the stack\. Write /m)
  })

  it('that does not exist is told which do', async () => {
    await using other = await builder.app({ Gemfile: '' })
    await other.replace({ ...hello, '.ruby-version': '3.1.99\n' }, sinatra)
    await expect(other.build({ config: mirrors })).rejects.toThrow('.ruby-version asks for Ruby 3.1.99, which mise')
    expect(other.output).toContain('The newest of each series: 3.4.1 3.1.2. Write one of them')
  })
})
