import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { Bundle } from '../helpers/bundle.ts'

const sources = resolve(import.meta.dirname, '../../src')

let bundle: Bundle
beforeAll(async () => {
  bundle = await Bundle.make()
})
afterAll(() => bundle?.[Symbol.asyncDispose]())

it('a failure in the bundle is logged with its places in the sources', async () => {
  const stack = await stackOfFailure()
  const thrown = readFileSync(join(sources, 'main/gate.ts'), 'utf8')
    .split('\n')
    .findIndex((line) => line.includes('throw'))
  expect(stack).toContain(`/src/main/gate.ts:${thrown + 1}:`)
  expect(stack).not.toContain(bundle.directory)
})

it('V8 keeps one byte for each character of the bundle', () => {
  const files = readdirSync(bundle.directory).filter((name) => name.endsWith('.js'))
  expect(files).toContain('server.js')
  for (const file of files) {
    const code = readFileSync(join(bundle.directory, file))
    expect(code.every((byte) => byte < 0x80)).toBe(true)
  }
})

it.each(['server', 'router', 'gate', 'worker', 'api'])(
  '%s loads nothing of undici, which it does not use',
  async (role) => {
    const loaded = await loadedBy(role)
    expect(loaded).toContain('NativeModule net')
    expect(loaded.filter((name) => name.includes('undici'))).toEqual([])
  },
)

/** What of Node itself a role has loaded before it runs. */
async function loadedBy(role: string): Promise<string[]> {
  const code = `await import('${bundle.directory}/${role}.js'); console.log(JSON.stringify(process.moduleLoadList))`
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', code])
  return JSON.parse(stdout) as string[]
}

/** Of a gate that is told to guard an engine over the network. */
function stackOfFailure(): Promise<string> {
  const data = mkdtempSync(join(tmpdir(), 'paas-bundle-'))
  const env = { ...process.env, PAAS_DATA: data, DOCKER_HOST: 'tcp://127.0.0.1:9' }
  return new Promise((settle) => {
    execFile(process.execPath, [join(bundle.directory, 'gate.js')], { env }, (_, __, stderr) => {
      rmSync(data, { recursive: true })
      settle((JSON.parse(stderr.trim().split('\n').at(-1) ?? '') as { err: { stack: string } }).err.stack)
    })
  })
}
