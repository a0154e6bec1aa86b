import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createLog } from '../../src/log.ts'
import { openAppLogWriter } from '../../src/logs/writer.ts'
import type { AppId } from '../../src/model/ids.ts'
import { TestTerminal } from './terminal.ts'

let terminal: TestTerminal

beforeAll(async () => {
  terminal = await TestTerminal.start()
})
afterAll(() => terminal[Symbol.asyncDispose]())

async function createApp(name: string): Promise<(text: string, process?: string) => void> {
  const { id } = await terminal.api.createApp(name)
  const writer = openAppLogWriter({ directory: terminal.api.config.paths.logs, log: createLog('test', 'silent') })
  return (text, process = 'web.1') =>
    writer.write(id as unknown as AppId, { time: new Date('2026-11-22T11:30:31.964Z'), source: 'app', process, text })
}

const patient = { timeout: 30_000 }
const head = '2026-11-22T11:30:31.964000+00:00 app[web.1]: '

describe('paas logs', () => {
  it('shows the last lines, without the colours where no terminal is', async () => {
    const say = await createApp('quiet')
    for (const text of ['one', '\u001b[31mtwo\u001b[0m', 'three']) say(text)
    await expect
      .poll(() => terminal.succeed(['logs', '-n', '2', '-d', 'web', '-a', 'quiet']), patient)
      .toBe(`${head}two\n${head}three\n`)
    expect(await terminal.succeed(['logs', '-s', 'heroku', '-d', 'web', '-a', 'quiet'])).toBe('')
    expect(await terminal.succeed(['logs', '-p', 'web', '-n', '1', '-a', 'quiet'])).toBe(`${head}three\n`)
    const [line] = (await terminal.succeed(['logs', '--json', '-d', 'web', '-n', '1', '-a', 'quiet'])).split('\n')
    expect(JSON.parse(line ?? '')).toEqual({
      time: '2026-11-22T11:30:31.964000+00:00',
      source: 'app',
      process: 'web.1',
      text: 'three',
    })
  })

  it('refuses what is neither a source nor a dyno', async () => {
    await createApp('strict')
    expect((await terminal.paas(['logs', '-s', 'nginx', '-a', 'strict'])).stderr).toContain('it must be app or heroku')
    expect((await terminal.paas(['logs', '-d', '../x', '-a', 'strict'])).stderr).toContain(
      'it must be like web.1 or web',
    )
  })

  it('goes on with --tail, also after the server was away, with no line lost or shown twice', async () => {
    const say = await createApp('tailed')
    say('first')
    const command = resolve(import.meta.dirname, '../../bin/paas')
    const child = spawn(command, ['logs', '--tail', '-d', 'web', '-a', 'tailed'], { env: terminal.env, stdio: 'pipe' })
    let [shown, told] = ['', '']
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (shown += chunk))
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (told += chunk))
    await expect.poll(() => shown, patient).toBe(`${head}first\n`)
    say('second')
    await expect.poll(() => shown, patient).toBe(`${head}first\n${head}second\n`)
    terminal.cutConnections()
    say('third')
    await expect.poll(() => shown, patient).toBe(`${head}first\n${head}second\n${head}third\n`)
    expect(told).toContain('reconnecting')
    child.kill('SIGINT')
    await once(child, 'close')
  })
})
