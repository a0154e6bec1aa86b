import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config'

/** Settings and logins of whoever runs the tests are for other servers; the workers inherit what is left. */
const personal = /^(PAAS_(?!TEST_)|REDIS_URL$|HEROKU_|XDG_CONFIG_HOME$|GIT_(AUTHOR|COMMITTER|CONFIG)_)/
for (const name of Object.keys(process.env)) if (personal.test(name)) delete process.env[name]
process.env['PAAS_SETTINGS'] = 'off'

/**
 * What is slow and rarely breaks alone: Heroku's own command, apps of real generators, real packs
 * of others, the compose file, an engine that is restarted, backups of the server, each package
 * manager of Node.js and Python (npm, pip and uv are in the other tests too), Go for all languages
 * with toolchains. `npm run test:slow`
 */
const slow = [
  'test/heroku/**/*.test.ts',
  'test/{apps,packs}/**/*.test.ts',
  'test/setup/services.test.ts',
  'test/installation/systemd.test.ts',
  'test/services/{full,mysql,postgis,rabbitmq,versions}.test.ts',
  'test/stack/mirror.test.ts',
  'test/e2e/engine-restart.test.ts',
  'test/e2e/{volumes,volume-copies}.test.ts',
  'test/backups/**/*.test.ts',
  'test/databases/**/*.test.ts',
  'test/build/{apt,go,node-modules,procfile,python-managers,workspaces}.test.ts',
]
/** What images have to be made for first: the other languages with their toolchains, a second stack. `npm run test:images` */
const images = [
  'test/build/{bun,deno,elixir,java,php,php-versions,ruby,ruby-versions,rust}.test.ts',
  'test/stack/upgrade.test.ts',
]
/** kill -9 at each step of what is done with databases, and a full target, on engines of their own. `npm run test:kills` */
const kills = ['test/databases/{kills,kills-backups,kills-upgrade,full-target}.test.ts']
/** In Debian's Chromium. `npm run test:browser` */
const browser = ['test/dashboard/chromium/**/*.test.ts']
/** Files that leave their process as they found it: they share one, where each module is loaded once. */
const shared = ['test/{api,cli,logs,metrics,model,output,queue,release,store}/**/*.test.ts']

function project(name: string, include: string[], more: object = {}): TestProjectInlineConfiguration {
  return { extends: true, test: { name, include, ...more } }
}

export default defineConfig({
  test: {
    projects: [
      project('shared', shared, { isolate: false }),
      project('own process', ['test/**/*.test.ts'], {
        exclude: ['**/node_modules/**', ...shared, ...browser, ...slow, ...images, ...kills],
      }),
      project('browser', browser),
      project('slow', slow, { exclude: ['**/node_modules/**', ...kills] }),
      project('kills', kills, { testTimeout: 400_000 }),
      project('images', images),
    ],
    reporters: ['default', './test/slowest-files.ts'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // More than the two cores that the tests are made for: half of the time they wait, for a limit to pass or a process to end.
    maxWorkers: 3,
    pool: 'forks',
    // A poll ends when it is so; only a broken test waits this long, and a busy machine needs it.
    expect: { poll: { timeout: 20_000 } },
  },
})
