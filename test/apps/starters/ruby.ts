import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Starter } from '../starter.ts'

const packGems = readFileSync(resolve(import.meta.dirname, '../../helpers/debian-gems.rb'), 'utf8')
/** RubyGems is not reached from everywhere: the gems are Debian's, committed with the app as `bundle cache` does. */
const vendored = (gems: string) =>
  `bundle lock --local\ncat >/tmp/pack.rb <<'RUBY'\n${packGems}RUBY\nruby /tmp/pack.rb ${gems}`

export const ruby: Starter[] = [
  {
    name: 'Rails: rails new',
    pack: 'ruby',
    packages: ['puma', 'ruby-rails'],
    // Without the gems that Debian does not have; its own health check is asked without TLS.
    script: `rails new . --minimal --skip-active-record --skip-asset-pipeline --skip-bundle --skip-git --skip-docker --quiet
      sed -i '/^group/,/^end/d; /tzinfo-data/d' Gemfile
      sed -i 's/# config.ssl_options/config.ssl_options/' config/environments/production.rb
      ${vendored('rails puma')}`,
    path: '/up',
    expected: /background-color: green/,
  },
  {
    name: 'Sinatra: its README',
    pack: 'ruby',
    packages: ['puma', 'ruby-rackup', 'ruby-sinatra'],
    script: `printf '%s\\n' "require 'sinatra'" "get '/frank-says' do" "  'Put this in your pipe & smoke it!'" end >app.rb
      printf '%s\\n' 'source "https://rubygems.org"' 'gem "sinatra"' 'gem "rackup"' 'gem "puma"' >Gemfile
      ${vendored('sinatra rackup puma')}`,
    path: '/frank-says',
    expected: /Put this in your pipe & smoke it!/,
  },
]
