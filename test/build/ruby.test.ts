import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Builder, runIn, type AppBuilder } from './builder.ts'

const builder = new Builder()
let app: AppBuilder
/** Directories with vendor/cache, made of Debian's gems, and a lock file. */
let sinatra: string
let rails: string
beforeAll(async () => {
  await builder.buildImage(['ruby'])
  sinatra = await generate('sinatra puma rackup rake', bundleSinatra)
  rails = await generate('rails puma bootsnap sprockets', newRails)
  app = await builder.app({ Gemfile: '' })
}, 900_000)
afterAll(async () => {
  await app?.[Symbol.asyncDispose]()
  await builder[Symbol.asyncDispose]()
})

const packGems = readFileSync(resolve(import.meta.dirname, '../helpers/debian-gems.rb'), 'utf8')
const packages = [
  'bundler',
  'puma',
  'ruby',
  'ruby-bootsnap',
  'ruby-rackup',
  'ruby-rails',
  'ruby-sinatra',
  'ruby-sprockets',
]
function generate(gems: string, script: string): Promise<string> {
  const write = `cat >/tmp/pack.rb <<'RUBY'\n${packGems}\nRUBY\n`
  return builder.generate(packages, `${write}${script}\nruby /tmp/pack.rb ${gems}`)
}

const gemfile = (...lines: string[]) => `source "https://rubygems.org"\n\n${lines.join('\n')}\n`
const bundle = gemfile('gem "sinatra"', 'gem "puma"', 'gem "rackup"', 'gem "rake", group: :development')
const bundleSinatra = `cat >Gemfile <<'RUBY'\n${bundle}RUBY\nbundle lock --local
${gemThatNeeds('rmagick')}`
/** A gem of that name whose extension cannot be built. */
function gemThatNeeds(name: string): string {
  return `mkdir -p vendor/cache /tmp/gem/ext
cat >/tmp/gem/gem.gemspec <<'RUBY'
Gem::Specification.new("${name}", "1.0") do |s|
  s.summary, s.authors, s.files, s.extensions = "s", ["a"], ["ext/extconf.rb"], ["ext/extconf.rb"]
end
RUBY
echo 'abort "No MagickWand.h"' >/tmp/gem/ext/extconf.rb
gem build --silent -C /tmp/gem --output=$PWD/vendor/cache/${name}-1.0.gem gem.gemspec`
}
const newRails = `rails new . --minimal --skip-active-record --skip-asset-pipeline --skip-bundle --skip-git --skip-docker --quiet
cat >Gemfile <<'RUBY'
${gemfile('gem "rails"', 'gem "puma"', 'gem "bootsnap", require: false', 'gem "sprockets", require: false')}RUBY
echo 'require "bootsnap/setup"' >>config/boot.rb
bundle lock --local
rm config/master.key`

const hello = {
  'app.rb':
    'require "sinatra"\n\nget("/") { "Hello from Sinatra #{settings.environment} #{ENV["WEB_CONCURRENCY"]}\\n" }\n',
}
const configRu = { 'config.ru': 'require "./app"\nrun Sinatra::Application\n' }
/** A task of the app's own in place of the one that an asset pipeline has. */
const assets = (line: string) => ({
  'lib/tasks/assets.rake': `task "assets:precompile" => :environment do\n  ${line}\nend\n`,
})

describe('a Ruby app', () => {
  it('of Sinatra is served by Puma, in as many processes as its memory has room for', async () => {
    await app.replace({ ...hello, ...configRu }, sinatra)
    const result = await app.build()
    expect(result).toMatchObject({
      buildpack: 'Ruby',
      processTypes: { web: 'bundle exec puma -b tcp://0.0.0.0:$PORT', console: 'bundle exec irb' },
    })
    expect(app.output).toMatch(/-----> Using Ruby 3\.3\.\d+ of the stack/)
    await using running = await app.serve(result)
    expect(await running.get('/')).toMatchObject({ status: 200, body: 'Hello from Sinatra production 2\n' })
  })

  it('has its gems from the cache when the lock file is unchanged, without those for development', async () => {
    await app.commit({ 'README.md': 'Greets.\n' })
    const result = await app.build()
    expect(app.output).toContain('Gemfile.lock has not changed: restoring the gems from the cache')
    const { output } = await runIn(result, 'gem list --no-details; puma --version; bundle exec rackup --version')
    expect(output).toContain('sinatra (4')
    expect(output).not.toContain('rake (')
    expect(output).toMatch(/puma version 6.*\nRack 3/)
  })

  it('may be one file of Sinatra, and ask for any release of the Ruby that is there', async () => {
    await app.replace({ ...hello, '.ruby-version': 'ruby-3.3.0\n' }, sinatra)
    expect((await app.build()).processTypes).toMatchObject({ web: 'bundle exec ruby app.rb -o 0.0.0.0 -p $PORT' })
    expect(app.output).toContain('of the stack (.ruby-version: 3.3.0)')
  })

  it('of Rails has its assets compiled, its boot cached and a secret that stays', async () => {
    await app.replace(assets('Rails.public_path.join("made.txt").write("made")'), rails)
    const result = await app.build()
    expect(result.processTypes).toEqual({
      web: 'bundle exec puma -C config/puma.rb',
      console: 'bin/rails console',
      rake: 'bundle exec rake',
    })
    await using running = await app.serve(result)
    const secure = { 'x-forwarded-proto': 'https' }
    expect(await running.get('/up', secure)).toMatchObject({ status: 200 })
    expect(await running.get('/made.txt', secure)).toMatchObject({ status: 200, body: 'made' })
    const secret = async (built: typeof result) => (await runIn(built, 'echo $SECRET_KEY_BASE; ls tmp/cache')).output
    const first = await secret(result)
    expect(first).toMatch(/^[0-9a-f]{128}\nbootsnap\n$/)
    await app.commit({ 'README.md': 'Greets.\n' })
    expect(await secret(await app.build())).toBe(first)
  })
})

describe('a Ruby app that cannot be built', () => {
  it.each([
    ['has no lock file', { Gemfile: bundle }, undefined, 'there is no Gemfile.lock'],
    ['has a Gemfile that is no Ruby', { Gemfile: 'gem "' }, 'sinatra', 'Gemfile is not valid'],
    [
      'has another Gemfile than lock file',
      { Gemfile: `${bundle}gem "falcon"\n` },
      'sinatra',
      'Gemfile.lock does not match',
    ],
    [
      'has no server',
      { ...configRu, Gemfile: gemfile(), 'Gemfile.lock': 'PLATFORMS\n  ruby\n\nDEPENDENCIES\n' },
      undefined,
      'config.ru is there, but no gem that serves it',
    ],
    [
      'needs a server that is away',
      {
        Gemfile: 'source "https://gems.invalid"\ngem "rake"\n',
        'Gemfile.lock': lock('rake (13.2.1)').replace('rubygems.org', 'gems.invalid'),
      },
      undefined,
      'the gem server is not reached',
    ],
    [
      'lacks a library',
      { Gemfile: gemfile('gem "rmagick"'), 'Gemfile.lock': lock('rmagick (1.0)') },
      'sinatra',
      'rmagick cannot be compiled without libmagickwand-dev',
    ],
    [
      'was locked on a Mac',
      { Gemfile: gemfile('gem "rake"'), 'Gemfile.lock': lock('rake (13.2.1)', 'arm64-darwin-23') },
      undefined,
      'Gemfile.lock lacks the platform x86_64-linux',
    ],
    [
      'reads a config var that is not set',
      assets('ENV.fetch("BUCKET")'),
      'rails',
      'the config var BUCKET is needed while assets are compiled',
    ],
  ] as const)('because it %s is told what to do', async (_, files, directory, reason) => {
    await app.replace(files, { sinatra, rails, none: undefined }[directory ?? 'none'])
    await expect(app.build()).rejects.toThrow(`build failed: ${reason}`)
    expect(app.output).toMatch(/^ !     \S/m)
  })
})

function lock(spec: string, platform = 'ruby'): string {
  const [name] = spec.split(' ')
  return `GEM\n  remote: https://rubygems.org/\n  specs:\n    ${spec}\n\nPLATFORMS\n  ${platform}\n\nDEPENDENCIES\n  ${name}\n\nBUNDLED WITH\n   2.4.1\n`
}
