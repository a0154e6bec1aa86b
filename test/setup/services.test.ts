import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createStack } from '../../src/build/stack/debian.ts'
import { loadConfig } from '../../src/config.ts'
import { connectDocker } from '../../src/engine/docker/docker.ts'
import { containerName } from '../../src/engine/docker/names.ts'
import { createLog } from '../../src/log.ts'
import { TestApp, until } from '../helpers/app.ts'
import { removeFromEngine } from '../helpers/engine.ts'
import { freePort } from '../helpers/free-port.ts'

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

const image = `paas-dockerfile-test:${process.pid}`

describe('the Dockerfile', () => {
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

  it('serves a pushed app as services, of which the gate alone has the engine', { timeout: 120_000 }, async () => {
    await using services = await Services.up(image)
    const token = await services.token()
    await using app = await TestApp.create({ ...services.address, token }, 'static-site')
    const push = await app.push()
    expect(push.code, push.output).toBe(0)
    expect((await app.get()).status).toBe(200)

    const rights = /^(?:Cap(?:Prm|Eff|Bnd)|NoNewPrivs):\t(\w+)$/gm
    const rightsOf = async (role: string) =>
      (await services.exec(role, 'cat', '/proc/1/status')).matchAll(rights).map(([, value]) => value)
    const none = '0'.repeat(16)
    for (const role of ['worker', 'api', 'redis'])
      expect([...(await rightsOf(role))], role).toEqual([none, none, none, '1'])
    const mounts = await services.exec('worker', 'cat', '/proc/self/mountinfo')
    expect(mounts).toContain(' /data ')
    expect(mounts).not.toContain('docker.sock')
    const name = containerName(await services.serverId(), 'x')
    const privileged = await services.exec('worker', 'node', '--eval', askForAll, name)
    expect(privileged).toBe(
      '403 {"message":"The gate refuses it: a container is not confined as those of this server are."}',
    )
  })
})

/** The tests may have an engine of their own, which is cleaned up after them. */
function socketOfEngine(): string {
  const { docker } = loadConfig()
  if (docker.kind !== 'socket') throw new Error('docker-compose.yml is for an engine on this machine')
  return docker.path
}

/** Somebody who has taken over the worker asks for what would make them root of this machine. */
const askForAll = `
const http = require('node:http')
const { serverId } = JSON.parse(require('node:fs').readFileSync('/data/paas.json'))
const Labels = { 'paas.server': serverId, 'paas.kind': 'dyno' }
const body = JSON.stringify({ Image: 'sha256:' + '0'.repeat(64), Labels, HostConfig: { Privileged: true } })
const headers = { 'content-type': 'application/json', 'content-length': body.length }
const socketPath = process.env.DOCKER_HOST.replace('unix://', '')
http.request({ socketPath, method: 'POST', path: '/containers/create?name=' + process.argv[1], headers }, async (answer) =>
  process.stdout.write(answer.statusCode + ' ' + (await answer.toArray()).join(''))).end(body)
`

/** What docker-compose starts of docker-compose.yml, with an image that is there and ports that are free. */
class Services implements AsyncDisposable {
  readonly address: { url: string; port: number }
  readonly #directory: string
  readonly #argv: string[]
  readonly #env: NodeJS.ProcessEnv

  private constructor(image: string, directory: string, [port, httpsPort]: [number, number]) {
    this.#directory = directory
    const names = ['redis', 'setup', 'router', 'gate', 'worker', 'api']
    const volumes = [`${socketOfEngine()}:/var/run/docker.sock`]
    const services = Object.fromEntries(
      names.map((name) => [name, ['setup', 'gate'].includes(name) ? { image, volumes } : { image }]),
    )
    const changes = join(directory, 'changes.json')
    writeFileSync(changes, JSON.stringify({ version: '3.8', services }))
    this.#argv = ['-p', `paas-services-test-${process.pid}`, '-f', 'docker-compose.yml', '-f', changes]
    this.#env = { ...process.env, PAAS_HTTP_PORT: String(port), PAAS_HTTPS_PORT: String(httpsPort) }
    this.address = { url: `http://localhost:${port}`, port }
  }

  static async up(image: string): Promise<Services> {
    const directory = mkdtempSync(join(tmpdir(), 'paas-services-test-'))
    const services = new Services(image, directory, [await freePort(), await freePort()])
    try {
      await services.#compose('up', '--detach', '--no-build')
      return services
    } catch (cause) {
      await services[Symbol.asyncDispose]()
      throw cause
    }
  }

  /** Of the admin, made by the command in the image, which is logged in once the api has made the account. */
  async token(): Promise<string> {
    const create = () => this.exec('api', 'paas', 'tokens:create', '-d', 'test').catch(() => '')
    return until('the api has made the account', async () => /paas-[\w-]+/.exec(await create())?.[0])
  }

  exec(service: string, ...argv: string[]): Promise<string> {
    return this.#compose('exec', '-T', service, ...argv)
  }

  async serverId(): Promise<string> {
    return (JSON.parse(await this.exec('api', 'cat', '/data/paas.json')) as { serverId: string }).serverId
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const serverId = await this.serverId().catch(() => undefined)
    await this.#compose('down', '--volumes', '--timeout', '20')
    if (serverId !== undefined) await removeFromEngine(serverId)
    rmSync(this.#directory, { recursive: true })
  }

  async #compose(...argv: string[]): Promise<string> {
    const { stdout } = await run('docker-compose', [...this.#argv, ...argv], { cwd: checkout, env: this.#env })
    return stdout
  }
}
