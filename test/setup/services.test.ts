import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createStack } from '../../src/build/stack/debian.ts'
import { loadConfig } from '../../src/config.ts'
import { connectDocker } from '../../src/engine/docker/docker.ts'
import { createLog } from '../../src/log.ts'

const run = promisify(execFile)
const checkout = resolve(import.meta.dirname, '../..')

describe('docker-compose.yml', () => {
  it('is accepted by docker-compose, with every role and a Redis', async () => {
    const { stdout } = await run('docker-compose', ['config', '--services'], { cwd: checkout })
    expect(stdout.trim().split('\n').toSorted()).toEqual(['api', 'gate', 'redis', 'router', 'setup', 'worker'])
  })

  it('pulls nothing but the base of its image, which may be one that is there', async () => {
    const env = { ...process.env, PAAS_BASE: 'base-of-this-machine:1' }
    const { stdout } = await run('docker-compose', ['config'], { cwd: checkout, env })
    expect(new Set(stdout.match(/^ +(image|BASE): .*/gm)?.map((line) => line.trim()))).toEqual(
      new Set(['image: paas', 'BASE: base-of-this-machine:1']),
    )
  })

  it('gives the engine’s socket to the gate alone, and to set-up, and publishes no port', async () => {
    const { stdout } = await run('docker-compose', ['config'], { cwd: checkout })
    const services = Object.fromEntries(
      stdout.split(/^ {2}(?=\w+:$)/m).map((part) => [/^\w+/.exec(part)?.[0] ?? '', part]),
    )
    expect(services['gate']).toContain('docker.sock')
    for (const name of ['api', 'router', 'worker']) expect(services[name]).not.toContain('docker.sock')
    expect(services['redis']).not.toContain('docker.sock')
    expect(services['redis']).toContain('network_mode: none')
    expect(stdout).not.toContain('ports:')
  })
})

describe('the Dockerfile', () => {
  const image = `paas-dockerfile-test:${process.pid}`
  const cache = mkdtempSync(join(tmpdir(), 'paas-dockerfile-test-'))
  beforeAll(async () => {
    const config = { ...loadConfig(), cacheDirectory: cache }
    const engine = connectDocker({ docker: config.docker, serverId: 'image-test', log: createLog('test', 'silent') })
    const base = await createStack({ engine, config }).buildImage([], () => undefined)
    const options = ['--build-arg', `BASE=${base.references[0]}`, '--tag', image]
    await run('docker', ['build', ...options, checkout], { maxBuffer: 2 ** 26 })
  }, 900_000)
  afterAll(async () => {
    await run('docker', ['rmi', '--force', image])
    rmSync(cache, { recursive: true, force: true })
  })

  it('makes an image that runs a role with the pinned runtime', async () => {
    const router = run('docker', ['run', '--rm', '--init', '--network=none', image, '--role', 'router'], {
      timeout: 60_000,
    })
    const lines: string[] = []
    const ready = new Promise<void>((settle) => {
      router.child.stderr?.on('data', (chunk: Buffer | string) => {
        lines.push(String(chunk))
        if (lines.join('').includes('"msg":"ready"')) settle()
      })
    })
    await Promise.race([ready, router])
    router.child.kill('SIGTERM')
    await router.catch(() => undefined)
    expect(lines.join('')).toContain('"role":"router"')
    expect(lines.join('')).toContain('"msg":"ready"')
    const { stdout } = await run('docker', ['run', '--rm', '--entrypoint=node', image, '--version'])
    expect(stdout.trim()).toBe(process.version)
  })

  it('has a Redis, which runs as a service of its own', async () => {
    const { stdout } = await run('docker', ['run', '--rm', '--entrypoint=redis-server', image, '--version'])
    expect(stdout).toMatch(/^Redis server v=\d+/)
  })

  it('has the command, and neither tests nor data in it', async () => {
    const { stdout } = await run('docker', ['run', '--rm', '--entrypoint=sh', image, '-c', 'paas --version && ls'])
    expect(stdout).toMatch(/^paas \d+\.\d+\.\d+\n/)
    expect(stdout.split('\n')).not.toContain('test')
    expect(stdout.split('\n')).not.toContain('data')
  })

  it('refuses a role that does not exist', async () => {
    await expect(run('docker', ['run', '--rm', image, '--role', 'queen'])).rejects.toMatchObject({
      code: 1,
      stderr: 'paas: --role is "queen"; it must be one of api, gate, worker, router. (settings_invalid)\n',
    })
  })
})
