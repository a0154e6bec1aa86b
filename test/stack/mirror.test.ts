import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, expect, it } from 'vitest'
import { createStack } from '../../src/build/stack/debian.ts'
import { loadConfig } from '../../src/config.ts'
import { connectDocker } from '../../src/engine/docker/docker.ts'
import type { Image } from '../../src/engine/engine.ts'
import { createLog } from '../../src/log.ts'

const run = promisify(execFile)
const cache = mkdtempSync(join(tmpdir(), 'paas-mirror-test-'))
const config = { ...loadConfig(), cacheDirectory: cache }
const serverId = `mirror-test-${process.pid}`
const engine = connectDocker({ docker: config.docker, serverId, log: createLog('test', 'silent') })
const plain = createStack({ engine, config })
const noProgress = (): void => undefined
afterAll(async () => {
  await engine.removeServer()
  rmSync(cache, { recursive: true, force: true })
})

async function inside(image: Image, command: string): Promise<string> {
  const { stdout } = await run('docker', ['run', '--rm', '--network=none', image.digest, 'bash', '-c', command])
  return stdout.trim()
}

it('updates are told as dpkg compares versions, and a patched image, which is the same but for them, lacks none', async () => {
  const snapshot = process.pid.toString(16).padStart(16, '0')
  const patched = await createStack({ engine, config, patchOf: () => snapshot }).runImage([], noProgress)
  try {
    const state = await inside(patched, 'cat /var/lib/dpkg/status')
    const withNetbase = (change: string): Buffer =>
      Buffer.from(`${state.replace(/(\nPackage: netbase\n(?:.+\n)*?Version: )(.+)/, `$1${change}`)}\n`)
    const states = ['$2', '$2~early', '9:$2'].map(withNetbase)
    const { snapshot: index, updates } = await plain.updatesOf(states, new AbortController().signal)
    expect(index).toMatch(/^[0-9a-f]{16}$/)
    expect(updates.map((all) => all.map((update) => update.package))).toEqual([[], ['netbase'], []])
    expect(updates[1]?.[0]?.installed).toBe(`${updates[1]?.[0]?.available}~early`)
    expect(patched.labels).toEqual((await plain.runImage([], noProgress)).labels)
    expect(await inside(patched, 'id; pwd; ls /var/lib/apt/lists')).toBe(
      'uid=1000(app) gid=1000(app) groups=1000(app)\n/app',
    )
  } finally {
    await run('docker', ['rmi', '--force', ...patched.references])
  }
}, 300_000)
