/** Somebody else's pack, as its repository has it, and an app that shows that it worked. */
export type OthersPack = {
  /** OWNER/NAME at the host of code that everybody uses. */
  repository: string
  /** What it does for an app, in a few words. */
  does: string
  files: Record<string, string>
  config?: Record<string, string>
  /** In order, `.` being the pack itself, and `.tgz` too, as hosts of code make one of a repository. */
  buildpacks: string[]
  /** What the build prints, and the app answers. */
  printed: RegExp
  answers: RegExp
  /** Environment of the dyno. */
  env?: Record<string, string>
}

/** Answers with what show.sh prints. */
const showing = (script: string) => ({
  'package.json': '{ "name": "showing" }\n',
  'server.js': `require('node:http')
  .createServer((_, response) => response.end(require('node:child_process').spawnSync('bash', ['show.sh']).stdout))
  .listen(process.env.PORT)\n`,
  'show.sh': `${script}\n`,
})

const own = (name: string, line: string) => ({ [`bin/${name}`]: `#!/usr/bin/env bash\n${line}\n` })

/** Those that reach nothing but the pack's own files and Debian's mirror. */
export const othersPacks: OthersPack[] = [
  {
    repository: 'heroku/heroku-buildpack-apt',
    does: 'Debian packages of an Aptfile',
    files: { Aptfile: 'tree\n', ...showing('tree --version') },
    buildpacks: ['.', 'nodejs'],
    printed: /-----> Apt app detected\n[^]*-----> Installing tree_[^]*-----> Node\.js app detected/,
    answers: /^tree v2/,
  },
  {
    repository: 'heroku/heroku-buildpack-inline',
    does: 'bin/detect, bin/compile and bin/release of the app itself',
    files: {
      ...showing('cat made'),
      ...own('detect', 'echo Inlined'),
      ...own('compile', 'echo "made of $(ls "$1/server.js")" > "$1/made"'),
      ...own('release', 'echo "default_process_types: { web: node server.js }"'),
    },
    buildpacks: ['nodejs', '.tgz'],
    printed: /-----> Inlined app detected\n/,
    answers: /^made of .*server\.js$/m,
  },
  {
    repository: 'heroku/heroku-buildpack-multi-procfile',
    does: 'a Procfile for each app of a repository',
    files: { ...showing('echo "$PART"'), 'deploy/Procfile': 'web: PART=one node server.js\n' },
    config: { PROCFILE: 'deploy/Procfile' },
    buildpacks: ['nodejs', '.'],
    printed: /Copied \[secret\] as Procfile successfully/,
    answers: /^one$/m,
  },
  {
    repository: 'heroku/heroku-buildpack-nginx',
    does: 'nginx in front of the app',
    files: {
      Gemfile: 'source "https://rubygems.org"\n',
      'Gemfile.lock': 'GEM\n  remote: https://rubygems.org/\n  specs:\n\nPLATFORMS\n  ruby\n\nDEPENDENCIES\n',
      'app.rb': `require 'fileutils'
require 'socket'
server = UNIXServer.new('/tmp/nginx.socket')
FileUtils.touch('/tmp/app-initialized')
loop do
  client = server.accept
  client.readpartial(4096)
  client.write("HTTP/1.0 200 OK\\r\\n\\r\\nbehind it\\n")
  client.close
end
`,
      Procfile: 'web: bin/start-nginx ruby app.rb\n',
    },
    config: { STACK: 'heroku-24' },
    buildpacks: ['ruby', '.'],
    printed: /nginx-buildpack: Installed nginx\//,
    answers: /^behind it$/m,
  },
  {
    repository: 'heroku/heroku-buildpack-pgbouncer',
    does: 'a pool of connections to PostgreSQL in the dyno',
    files: {
      Aptfile: 'libcares2\nlibevent-2.1-7t64\n',
      ...showing('echo "$DATABASE_URL"'),
      Procfile: 'web: bin/start-pgbouncer node server.js\n',
    },
    config: { STACK: 'heroku-24' },
    env: { DATABASE_URL: 'postgres://user:password@192.0.2.1:5432/database' },
    buildpacks: ['apt', '.', 'nodejs'],
    printed: /pgbouncer-buildpack: Installed pgbouncer \d/,
    answers: /^postgres:\/\/user:password@127\.0\.0\.1:6000\/db1$/m,
  },
  {
    repository: 'heroku/heroku-buildpack-metrics',
    does: 'a program in .profile.d that starts with the dyno',
    files: showing('ls .profile.d'),
    buildpacks: ['.', 'nodejs'],
    printed: /-----> HerokuRuntimeMetrics app detected\n/,
    answers: /heroku-metrics-daemon\.sh/,
  },
  {
    repository: 'timanovsky/subdir-heroku-buildpack',
    does: 'a directory of the repository as the app',
    files: { 'README.md': 'Two apps.\n', 'one/index.html': 'The first one\n', 'two/index.html': 'The other one\n' },
    config: { PROJECT_PATH: 'two' },
    buildpacks: ['.', 'static'],
    printed: /-----> Subdir buildpack in two\n/,
    answers: /^The other one$/m,
  },
  {
    repository: 'lstoll/heroku-buildpack-monorepo',
    does: 'likewise',
    files: { 'README.md': 'Two apps.\n', 'apps/one/index.html': 'The first one\n', 'apps/two/index.html': 'x\n' },
    config: { APP_BASE: 'apps/one' },
    buildpacks: ['.', 'static'],
    printed: /Copied \[secret\] to root of app successfully/,
    answers: /^The first one$/m,
  },
  {
    repository: 'weibeld/heroku-buildpack-run',
    does: 'commands of a config var, or a script of the app',
    files: showing('cat made'),
    config: { BUILDPACK_RUN: 'echo "made with $NAME" > made', BUILDPACK_RUN_LOAD_CONFIG: '1', NAME: 'a config var' },
    buildpacks: ['.tgz', 'nodejs'],
    printed: /-----> Loading config vars into environment\n-----> Running: /,
    answers: /^made with a config var$/m,
  },
  {
    repository: 'niteoweb/heroku-buildpack-shell',
    does: 'a script of the app',
    files: { ...showing('cat made'), '.heroku/run.sh': 'basename "$CACHE_DIR" > made\n' },
    buildpacks: ['.', 'nodejs'],
    printed: /-----> Niteoweb Shell app detected\n-----> Running \.heroku\/run\.sh\n/,
    answers: /^\w+$/m,
  },
]
