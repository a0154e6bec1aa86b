import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    maxWorkers: 2,
    pool: 'forks',
    // A poll ends when it is so; only a broken test waits this long, and a busy machine needs it.
    expect: { poll: { timeout: 20_000 } },
  },
})
