import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { openSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, it } from 'vitest'
import { ServerLog } from '../src/supervisor/server-log.ts'

const script = `
  import { createLog } from ${JSON.stringify(resolve(import.meta.dirname, '../src/log.ts'))}
  const log = createLog('test')
  process.stdin.once('end', () => {
    for (let line = 0; line < 100; line++) log.info('a line')
    setImmediate(() => process.stdout.end('still here'))
  }).resume()
`

async function outlives(stderr: 'pipe' | number): Promise<string> {
  const argv = ['--input-type=module-typescript', '--eval', script]
  const child = spawn(process.execPath, argv, { stdio: ['pipe', 'pipe', stderr] })
  let said = ''
  child.stdout?.on('data', (chunk: Buffer) => (said += chunk.toString()))
  child.stderr?.destroy()
  child.stdin?.end()
  await once(child, 'close')
  return said
}

it('a role whose log finds no space on the disk goes on', async () => {
  expect(await outlives(openSync('/dev/full', 'w'))).toBe('still here')
})

it('a role whose log nobody reads any more goes on', async () => {
  expect(await outlives('pipe')).toBe('still here')
})

it('a supervisor whose log finds no space on the disk goes on', () => {
  using log = new ServerLog('/dev/full')
  expect(() => log.write('supervisor', 'api ready')).not.toThrow()
})
