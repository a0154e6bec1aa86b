import { defineConfig } from 'vitest/config'

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
