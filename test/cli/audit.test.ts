import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { TestTerminal } from './terminal.ts'

let terminal: TestTerminal

beforeAll(async () => {
  terminal = await TestTerminal.start()
  await terminal.succeed(['create', 'acme'])
  await terminal.succeed(['config:set', 'SECRET=hunter2', '-a', 'acme'])
})
afterAll(() => terminal[Symbol.asyncDispose]())

describe('paas audit', () => {
  it('shows who did what to an app, the newest last', async () => {
    const [title, , ...rows] = (await terminal.succeed(['audit', '-a', 'acme'])).trim().split('\n')
    expect(title).toBe('=== acme Audit log')
    expect(rows[0]).toMatch(/^1 +\d{4}\/.* admin@example\.com .* apps\.create +name=acme$/)
    expect(rows[1]).toMatch(/config-vars\.update +set=SECRET$/)
    expect(rows.join()).not.toContain('hunter2')
  })

  it('prints one entry a line as JSON, of the whole server too, and says when there is none', async () => {
    const lines = (await terminal.succeed(['audit', '--server', '--all', '--json'])).trim().split('\n')
    expect(lines.map((line) => (JSON.parse(line) as { sequence: number }).sequence)).toEqual(
      lines.map((_, at) => at + 1),
    )
    const last = await terminal.succeed(['audit', '--server', '-n', '1', '--json'])
    expect(last.trim()).toBe(lines.at(-1))
    const none = await terminal.paas(['audit', '-a', 'acme', '--action', 'dynos'])
    expect(none.stderr).toContain('There are no such entries.')
  })

  it('is verified, against an entry that was noted before too', async () => {
    const { stdout, stderr } = await terminal.paas(['audit:verify'])
    expect(stdout).toMatch(/^\d+ entries, 1 to \d+: intact\n$/)
    const [, head = ''] = /--head (\d+:[0-9a-f]{64})/.exec(stderr) ?? []
    expect((await terminal.paas(['audit:verify', '--head', head])).code).toBe(0)
    const other = await terminal.paas(['audit:verify', '--head', head.replace(/.{4}$/, '0000')])
    expect(other.code).toBe(1)
    expect(other.stderr).toContain('is not the one that was noted')
  })
})
