import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Builder, runIn, type AppBuilder } from './builder.ts'

const builder = new Builder()
let app: AppBuilder
beforeAll(async () => {
  app = await builder.app({ 'README.md': '' })
})
afterAll(async () => {
  await app?.[Symbol.asyncDispose]()
  await builder[Symbol.asyncDispose]()
})

const script = '#!/bin/sh\necho "Hello from a script"\n'

describe('a repository with nothing but a Procfile and what it names', () => {
  it('runs as it was pushed', async () => {
    await app.replace({ Procfile: 'worker: NAME=x exec bin/work --all\nclock: cd bin && ./work\n', 'bin/.keep': '' })
    await program('bin/work', script)
    const result = await app.build()
    expect(result).toMatchObject({ buildpack: 'Procfile', processTypes: { worker: 'NAME=x exec bin/work --all' } })
    expect((await runIn(result, 'bin/work')).output).toBe('Hello from a script\n')
  })

  it.each([
    ['is not there', 'bin/server', {}, 'bin/server, which is not in the repository', 'git add --force bin/server'],
    ['may not run', './run.sh', { 'run.sh': script }, './run.sh, which is not executable', '--chmod=+x run.sh'],
    [
      'is of a language',
      'node a.js',
      { 'a.js': '' },
      'node, and there is no package.json',
      'Apps of Node.js are known',
    ],
  ])('whose program %s is told so', async (_, command, files: Record<string, string>, reason, remedy) => {
    await app.replace({ Procfile: `web: ${command}\n`, ...files })
    await expect(app.build()).rejects.toThrow(`build failed: Procfile: web runs ${reason}`)
    expect(app.output).toContain(remedy)
  })

  it('whose program is for another machine is told so', async () => {
    await app.replace({ Procfile: 'web: ./server\n' })
    // The beginning of a program of macOS for ARM (loader.h).
    await program('server', Buffer.from('cffaedfe0c000001000000000200000010000000', 'hex'))
    await expect(app.build()).rejects.toThrow('web runs ./server, which is a program for another machine')
  })
})

async function program(path: string, content: string | Buffer): Promise<void> {
  await writeFile(join(app.repository.path, path), content, { mode: 0o755 })
  await app.repository.commit('Add the program')
}
