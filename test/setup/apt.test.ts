import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createStack } from '../../src/build/stack/debian.ts'
import { loadConfig } from '../../src/config.ts'
import { connectDocker } from '../../src/engine/docker/docker.ts'
import { createLog } from '../../src/log.ts'
import { isOlder, type Requirement } from '../../src/setup/requirements.ts'

const checkout = resolve(import.meta.dirname, '../..')
const cache = mkdtempSync(join(tmpdir(), 'paas-apt-test-'))
afterAll(() => rmSync(cache, { recursive: true, force: true }))

/** A Debian whose root may install what he likes: a container of the build image. */
let debian: string
beforeAll(async () => {
  const config = { ...loadConfig(), cacheDirectory: cache }
  const engine = connectDocker({ docker: config.docker, serverId: 'apt-test', log: createLog('test', 'silent') })
  debian = (await createStack({ engine, config }).buildImage([], () => undefined)).digest
}, 900_000)

describe('what a machine lacks', () => {
  it('is installed by root with apt-get, and said', async () => {
    const wanted = [
      { command: 'git', packages: ['git'], leastVersion: '2.29' },
      { command: 'hello', packages: ['no-such-package', 'hello'] },
    ]
    const { code, output } = await install(wanted, 'hello')
    expect(output).toContain('setup: this machine lacks hello\n')
    expect(output).toContain('setup: fetching the package lists (apt-get update)\n')
    expect(output).toContain('setup: installing hello (apt-get install)\n')
    expect(output).toContain('Hello, world!')
    expect(code).toBe(0)
  })

  it('is not looked for when nothing is missing', async () => {
    expect(await install([{ command: 'git', packages: ['git'] }])).toEqual({ code: 0, output: '' })
  })

  it('and no package has is said with what apt-get says', async () => {
    const { code, output } = await install([{ command: 'nothing', packages: ['no-such-package'] }])
    expect(output).toMatch(
      /paas: apt-get install exited with 100: E: Unable to locate package no-such-package \(requirements_missing\)\n$/,
    )
    expect(code).toBe(1)
  })
})

it('versions are compared by their numbers', () => {
  expect(isOlder('2.9.5', '2.29')).toBe(true)
  expect(isOlder('2.29.0', '2.29')).toBe(false)
  expect(isOlder('2.47.3', '2.29')).toBe(false)
  expect(isOlder('10.1', '9.9')).toBe(false)
})

function install(wanted: Requirement[], then = 'true'): Promise<{ code: number; output: string }> {
  const command = `/usr/lib/paas/bin/node /paas/test/setup/install-missing.ts "$0" 2>&1 && ${then}`
  const options = ['run', '--rm', '--user=root', '--init', `--volume=${checkout}:/paas:ro`]
  return new Promise((settle) => {
    execFile('docker', [...options, debian, 'sh', '-c', command, JSON.stringify(wanted)], (error, stdout) => {
      settle({ code: Number(error?.code ?? 0), output: stdout })
    })
  })
}
