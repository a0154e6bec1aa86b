import { defineConfig } from 'vitest/config'

/** Settings and logins of whoever runs the tests are for other servers; the workers inherit what is left. */
const personal = /^(PAAS_(?!TEST_)|REDIS_URL$|HEROKU_|XDG_CONFIG_HOME$|GIT_(AUTHOR|COMMITTER|CONFIG)_)/
for (const name of Object.keys(process.env)) if (personal.test(name)) delete process.env[name]

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // More than the two cores that the tests are made for: half of the time they wait, for a limit to pass or a process to end.
    maxWorkers: 3,
    pool: 'forks',
    // A poll ends when it is so; only a broken test waits this long, and a busy machine needs it.
    expect: { poll: { timeout: 20_000 } },
  },
})
