import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startGitHost, type GitHost } from './git-host.ts'

let host: GitHost
beforeAll(async () => {
  host = await startGitHost()
})
afterAll(() => host?.[Symbol.asyncDispose]())

describe('a push', () => {
  it('shows the build and exits 0 when the commit serves', async () => {
    await using project = await host.newProject()
    const push = await project.repository.git('push', 'paas', 'main')
    expect(push.output).toContain('remote: -----> Built')
    expect(push).toMatchObject({ code: 0 })
  })
})
