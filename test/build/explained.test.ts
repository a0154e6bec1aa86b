import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { packsDirectory } from '../../src/build/packs.ts'

/** [what a tool printed, the reason that is shown] */
type Samples = [string, string][]

/**
 * What people do wrong most, as the tools of a language report it; python-pack.test.ts and node-web.test.ts have those
 * of the packs that do more with it. `call` is the pack's own function, `settings` what it has found out before.
 */
const packs: { pack: string; call?: string; settings?: string; samples: Samples }[] = [
  {
    pack: 'go',
    samples: [
      [
        'main.go:4:2: missing go.sum entry for module providing package github.com/gin-gonic/gin; to add:',
        'go.mod and go.sum do not match the code',
      ],
      ['go: updates to go.mod needed; to update it:\n\tgo mod tidy', 'go.mod and go.sum do not match the code'],
      ['go: inconsistent vendoring in /app:', 'vendor/ does not match go.mod'],
      [
        "fatal: could not read Username for 'https://github.com': terminal prompts disabled",
        'a module is in a private repository',
      ],
      ['go: download go1.99.0 for linux/amd64: toolchain not available', 'the Go that go.mod asks for cannot be had'],
      ['dial tcp: lookup modules.example on 10.0.0.1:53: no such host', 'the module proxy is not reached'],
      ['./main.go:5:10: fatal error: odd.h: No such file or directory', 'a C library for cgo is missing'],
      ['# example.com/hello\n./main.go:9:2: undefined: answer', 'the code does not compile'],
      ['main.go:3:1: syntax error: unexpected newline', 'the code does not compile'],
    ],
  },
  {
    pack: 'rust',
    settings: 'rust_version=1.85.1; is_too_old() { said "requires rustc"; }',
    samples: [
      [
        'error: the lock file /app/Cargo.lock needs to be updated but --locked was passed to prevent this',
        'Cargo.lock does not match Cargo.toml',
      ],
      [
        'error: cannot update the lock file /app/Cargo.lock because --locked was passed to prevent this',
        'Cargo.lock does not match Cargo.toml',
      ],
      [
        'error: package `x v1.0.0` cannot be built because it requires rustc 1.99',
        'the code needs a newer Rust than 1.85.1',
      ],
      ['  process didn’t exit successfully: `rustc` (signal: 9, SIGKILL: kill)', 'the compiler ran out of memory'],
      ['error: no matching package named `sserde` found', 'a crate that Cargo.toml asks for does not exist'],
      ['Caused by:\n  failed to authenticate when downloading repository', 'a crate is in a private repository'],
      [
        "warning: spurious network error (3 tries remaining): [6] Couldn't resolve host name",
        'the registry of crates is not reached',
      ],
      ['error[E0425]: cannot find value `x` in this scope', 'the code does not compile'],
      [
        'error: expected `;`, found `}`\nerror: could not compile `hello` (bin "hello") due to 1 previous error',
        'the code does not compile',
      ],
      ['/usr/bin/ld: cannot find -lpcap: No such file or directory', 'the library pcap is missing'],
      ['The system library `libudev` required by crate `libudev-sys` was not found.', 'the library libudev is missing'],
      ['Unable to find libclang: "couldn\'t find any valid shared libraries"', 'a crate needs libclang'],
      [
        'failed to execute command: No such file or directory\nis `nasm` not installed?',
        'a crate needs a program that is not there',
      ],
    ],
  },
  {
    pack: 'java',
    settings: 'java=21 java_of_stack=21 java_beyond=25',
    samples: [
      ['Fatal error compiling: error: release version 25 not supported', 'the build asks for another Java than 21'],
      [
        '> Cannot find a Java installation on your machine (Linux) matching: {languageVersion=17}',
        'Gradle wants another Java than 21',
      ],
      ['[ERROR] COMPILATION ERROR : ', 'the code does not compile'],
      ['> Compilation failed; see the compiler error output for details.', 'the code does not compile'],
      ['[ERROR] There are test failures.', 'tests failed'],
      ['Could not find artifact com.example:none:jar:1 in central', 'a dependency does not exist'],
      [
        'Could not transfer artifact x:y:pom:1 from/to m: mirror.invalid: Name or service not known',
        'a repository is not reached',
      ],
      ['Exception in thread "main" java.net.UnknownHostException: services.gradle.org', 'a repository is not reached'],
      ['java.lang.OutOfMemoryError: Java heap space', 'the build ran out of memory'],
      ["Could not compile build file '/app/build.gradle'.", 'the build file is not valid'],
      ['[FATAL] Non-parseable POM /app/pom.xml: end tag name </a> must match', 'pom.xml is not valid'],
    ],
  },
  {
    pack: 'ruby',
    call: 'explain_install',
    samples: [
      [
        'Your bundle only supports platforms ["arm64-darwin-23"] but your local platform is x86_64-linux.',
        'Gemfile.lock lacks the platform x86_64-linux',
      ],
      [
        'The dependencies in your gemfile changed, but the lockfile can’t be updated because frozen mode is set',
        'Gemfile.lock does not match Gemfile',
      ],
      [
        'Gem::Ext::BuildError: ERROR: Failed to build gem native extension.\nAn error occurred while installing rmagick (6.0.1), and Bundler cannot continue.',
        'rmagick cannot be compiled without libmagickwand-dev',
      ],
      [
        'Failed to build gem native extension.\nAn error occurred while installing odd (1.0), and Bundler cannot continue.',
        'odd cannot be compiled',
      ],
      ['Authentication is required for gems.example.com.', 'a gem server or repository asks for a password'],
      ['Could not fetch specs from https://rubygems.org/ due to underlying error', 'the gem server is not reached'],
      ["Could not find gem 'rack (= 99)' in rubygems repository https://rubygems.org/", "no gem server has 'rack"],
    ],
  },
  {
    pack: 'ruby',
    call: 'explain_assets 1',
    samples: [
      ['KeyError: key not found: "BUCKET"', 'the config var BUCKET is needed while assets are compiled'],
      ['ActiveSupport::MessageEncryptor::InvalidMessage', 'the credentials of Rails cannot be read'],
      [
        'ActiveRecord::ConnectionNotEstablished: connection to server failed',
        'the app connects to its database while assets are compiled',
      ],
      ['Command cssbundling-rails build failed\nsh: 1: yarn: not found', 'assets need Node.js packages'],
      ['something else', 'rake assets:precompile exited with 1'],
    ],
  },
  {
    pack: 'php',
    call: 'explain_install 2',
    settings: 'php_version=8.4.1; php() { echo curl; }',
    samples: [
      [
        'Root composer.json requires PHP extension ext-swoole * but it is missing from your system.',
        'the PHP extension swoole is not there',
      ],
      [
        'Root composer.json requires php ^7.4 but your php version (8.4.1) does not satisfy that requirement.',
        'composer.json or a package does not allow PHP 8.4.1',
      ],
      [
        '- Required package "monolog/monolog" is not present in the lock file.',
        'composer.lock does not match composer.json',
      ],
      [
        'Could not authenticate against repo.example.com\nhttps://repo.example.com/x.json',
        'repo.example.com wants a password',
      ],
      ['curl error 6 while downloading https://packages.invalid/packages.json', 'packages.invalid is not reached'],
      [
        'Script @php artisan package:discover --ansi handling the post-autoload-dump event returned with error code 1',
        'the script @php artisan package:discover --ansi of composer.json failed',
      ],
      [
        '"composer.json" does not contain valid JSON\nParse error on line 3:',
        'composer.lock or composer.json is not valid',
      ],
    ],
  },
  {
    pack: 'php',
    call: "explain_framework 'artisan view:cache exited with 1'",
    samples: [
      ['Environment variable not found: "MAILER_DSN".', 'the config var MAILER_DSN is needed while the app is built'],
      ['No application encryption key has been specified.', 'Laravel needs the config var APP_KEY'],
      ['SQLSTATE[HY000] [2002] Connection refused', 'the app asks its database while it is built'],
      ['Allowed memory size of 134217728 bytes exhausted', 'PHP ran out of the memory that memory_limit allows'],
      ['something else', 'artisan view:cache exited with 1'],
    ],
  },
  {
    pack: 'elixir',
    call: "explain_fetch 'mix deps.get exited with 1'",
    settings: 'MIX_ENV=prod elixir_version=1.18.3',
    samples: [
      [
        "** (Mix) Can't continue due to errors on dependencies\nUnchanged: a\nNew:\n  b 1.0",
        'mix.lock does not match mix.exs',
      ],
      ["fatal: could not read Username for 'https://github.com'", 'a dependency is in a private repository'],
      [
        "fatal: unable to access 'https://git.invalid/x.git/': Could not resolve host: git.invalid",
        'git.invalid is not reached',
      ],
      ['** (Mix) No authenticated organization found for acme', 'a repository of Hex asks for a key'],
      ['Failed to fetch record for jason from registry\n{:failed_connect, :nxdomain}', 'hex.pm is not reached'],
      ['No package with name jsonn (from: mix.exs) in registry', 'a dependency that mix.exs asks for does not exist'],
      ['something else', 'mix deps.get exited with 1'],
    ],
  },
  {
    pack: 'elixir',
    call: 'explain',
    settings: 'MIX_ENV=prod elixir_version=1.18.3',
    samples: [
      [
        '** (System.EnvError) could not fetch environment variable "BUCKET" because it is not set',
        'the config var BUCKET is needed while the app is compiled',
      ],
      [
        '** (Mix) Could not compile dependency :argon2_elixir, "make" failed.\nfatal error: odd.h: No such file',
        'argon2_elixir cannot be compiled without a C library',
      ],
      ['could not compile dependency :old, "mix compile" failed.', 'the dependency old cannot be compiled'],
      ['** (Mix) The task "tailwind" could not be found', 'there is no task tailwind where MIX_ENV is prod'],
      ['Unchecked dependencies for environment prod:', 'dependencies are missing or do not match mix.exs'],
      ['== Compilation error in file lib/hello.ex ==', 'the code does not compile: lib/hello.ex'],
      [
        'Compilation failed due to warnings while using the --warnings-as-errors option',
        'the compiler has warnings, and the project wants none',
      ],
      ['sh: 1: npm: not found', 'assets are built with a program that is not there'],
      [
        "** (RuntimeError) couldn't fetch https://packages.example/@esbuild/linux-x64",
        'a program for assets cannot be downloaded',
      ],
    ],
  },
  {
    pack: 'deno',
    samples: [
      ['error: The lockfile is out of date. Run `deno install --frozen=false`', 'deno.lock does not match the code'],
      ["error: JSR package manifest for '@std/x' failed to load.", 'JSR is not reached'],
      ["error: npm package 'expresss' does not exist.", 'a package that is imported does not exist'],
      ['error: Module not found "file:///app/Other.ts".', 'a file that is imported is not in the repository'],
      [
        'error: Relative import path "hono" not prefixed with / and not a dependency and not in import map',
        'a package that is imported is not in deno.json',
      ],
      [
        'error sending request for url (https://deno.land/x/a.ts): client error (Connect): dns error',
        'a server that modules come from is not reached',
      ],
      ['FATAL ERROR: Reached heap limit Allocation failed', 'the build ran out of memory'],
    ],
  },
]

/** What each of these outputs is explained as, by one shell. */
function explain({ pack, call = 'explain', settings = '', samples }: (typeof packs)[number]) {
  const directory = mkdtempSync(join(tmpdir(), 'paas-explained-'))
  const at = (index: number, name: string) => join(directory, `${index}.${name}`)
  try {
    for (const [index, [said]] of samples.entries()) writeFileSync(at(index, 'log'), `${said}\n`)
    const sources = ['lib/common', `${pack}/lib/explain`].map((name) => `source ${join(packsDirectory, name)}.sh`)
    const each = samples.map(
      (_, index) =>
        `(run_log=${at(index, 'log')} PAAS_REASON_FILE=${at(index, 'reason')}; ${call}) >${at(index, 'said')} || :`,
    )
    const script = ['set -euo pipefail', ...sources, settings, ...each].join('\n')
    const { stderr } = spawnSync('bash', ['-c', script], { stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8' })
    const read = (index: number, name: string) =>
      existsSync(at(index, name)) ? readFileSync(at(index, name), 'utf8') : ''
    return {
      stderr,
      found: samples.map((_, index) => ({ reason: read(index, 'reason'), remedy: read(index, 'said') })),
    }
  } finally {
    rmSync(directory, { recursive: true })
  }
}

describe('what people do wrong most is explained', () => {
  it.each(packs)('by $pack ($call)', ({ samples, ...pack }) => {
    const { stderr, found } = explain({ ...pack, samples })
    expect(stderr).toBe('')
    for (const [index, [said, expected]] of samples.entries()) {
      expect(found[index]?.reason, said).toContain(expected)
      expect(found[index]?.remedy, said).toMatch(/^ !     \S/)
    }
  })
})
