import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { TestApp, until } from '../helpers/app.ts'
import { readLog } from '../helpers/logs.ts'
import { startServer, type TestServer } from '../helpers/server.ts'

const run = promisify(execFile)

/** Who gets a volume, to write or to read, and how it comes and goes. */

let server: TestServer
let app: TestApp
beforeAll(async () => {
  const env = { PAAS_STOP_GRACE: '2', PAAS_DRAIN_TIMEOUT: '2', PAAS_PATROL_INTERVAL: '1', PAAS_MAX_VOLUME_MIB: '4' }
  server = await startServer({ env })
  app = await TestApp.create(server, 'node-hello')
  const write = `require('node:fs').writeFileSync('data/x', Buffer.alloc(Number(q.url.slice(1))))`
  const listen = `require('node:http').createServer((q, a) => { try { ${write}; a.end('written') } catch (e) { a.end(e.code) } })`
  await app.repository.write('server.js', `${listen}.listen(process.env.PORT)\n`)
  await app.repository.write('Procfile', 'web: exec node server.js\nrelease: touch data/release || echo read-only\n')
  await app.repository.commit('writes')
})
afterAll(async () => {
  await app?.[Symbol.asyncDispose]()
  await server?.stop()
})

const docker = async (...argv: string[]): Promise<string> => (await run('docker', argv)).stdout.trim()
const serverLabel = async (): Promise<string> => `label=paas.server=${await server.serverId()}`
const volumes = async (): Promise<string[]> => {
  const names = await docker(
    'volume',
    'ls',
    '--quiet',
    '--filter',
    'label=paas.volume',
    '--filter',
    await serverLabel(),
  )
  return names.split('\n').filter((name) => name !== '')
}

/** Of a dyno's container: `/app/data rw` for each mount. */
async function mountsOf(dyno: string): Promise<string[]> {
  const filters = ['--filter', await serverLabel(), '--filter', `label=paas.dyno=${dyno}`]
  const [id = ''] = (await docker('ps', '--all', '--quiet', ...filters)).split('\n')
  if (id === '') return []
  const description = await docker('inspect', id).catch(() => undefined)
  if (description === undefined) return ['just going']
  const { Mounts } = (JSON.parse(description) as { Mounts: { Destination: string; RW: boolean }[] }[])[0]!
  return Mounts.map(({ Destination, RW }) => `${Destination} ${RW ? 'rw' : 'ro'}`)
}

async function oneOff(): Promise<string> {
  const { body } = await app.api<{ name: string }>('POST', '/dynos', { command: 'sleep 600' })
  await until('it runs', async () => (await mountsOf(body.name)).length > 0)
  return body.name
}

const stop = async (dyno: string): Promise<void> => {
  await app.api('POST', `/dynos/${dyno}/actions/stop`)
  await until('it is gone', async () => (await mountsOf(dyno)).length === 0)
}
const scale = (quantity: number) => app.api('PATCH', '/formation/web', { quantity })
const webMounts = (wanted: string[]) =>
  until(
    `web has ${wanted.join()}`,
    async () => JSON.stringify(await mountsOf('web.1')) === JSON.stringify(wanted),
    60_000,
  )

describe('a volume of one writer', () => {
  it('is made at the first deploy, told in the push, and read-only in the release command', async () => {
    await app.api('POST', '/volumes', { name: 'data', mount: '/app/data' })
    expect(await volumes()).toEqual([])
    const { code, output } = await app.push()
    expect(code, output).toBe(0)
    expect(output).toMatch(/read-only/)
    expect(output).toMatch(/Volume data of web is at \/app\/data/)
    expect(await volumes()).toHaveLength(1)
    expect(await mountsOf('web.1')).toEqual(['/app/data rw'])
    expect((await app.get('/100')).body).toBe('written')
  })

  it('can be read in a one-off dyno, and written there while its type is scaled to 0, when none of it starts', async () => {
    const reader = await oneOff()
    expect(await mountsOf(reader)).toEqual(['/app/data ro'])
    await stop(reader)
    await scale(0)
    await webMounts([])
    const writer = await oneOff()
    expect(await mountsOf(writer)).toEqual(['/app/data rw'])
    await scale(1)
    await until('the log says why', async () => /run\.\d+ has the volume data/.test(await readLog(app)))
    expect(await mountsOf('web.1')).toEqual([])
    await stop(writer)
    await webMounts(['/app/data rw'])
  })

  it('is read-only once it is over its limit, until a one-off dyno has made room', async () => {
    await until('it serves', async () => (await app.get(`/${5 * 2 ** 20}`)).body === 'written')
    await webMounts(['/app/data ro'])
    await until('it serves', async () => (await app.get('/1')).body === 'EROFS')
    const { body } = await app.api<{ read_only: boolean; used_bytes: number }>('GET', '/volumes/data')
    expect(body.read_only).toBe(true)
    expect(body.used_bytes).toBeGreaterThan(5 * 2 ** 20)
    const writer = await oneOff()
    expect(await mountsOf(writer)).toEqual(['/app/data rw'])
    await stop(writer)
    await app.api('POST', '/dynos', { command: 'truncate --size 0 data/x' })
    await webMounts(['/app/data rw'])
  })

  it('belongs to its app alone, and stays when it is destroyed until no dyno has it', async () => {
    await using other = await TestApp.create(server, 'node-hello')
    const { code, output } = await other.push()
    expect(code, output).toBe(0)
    const [name = ''] = await volumes()
    expect(name).toContain('-data')
    expect(await docker('ps', '--quiet', '--filter', `volume=${name}`)).not.toMatch(/\n/)
    await other.api('DELETE', '')
    await app.api('DELETE', '/volumes/data?confirm=data')
    await webMounts([])
    await until('its data is gone', async () => (await volumes()).length === 0)
  })

  it('goes with its app', async () => {
    await app.api('POST', '/volumes', { name: 'again', mount: '/app/data' })
    await webMounts(['/app/data rw'])
    expect(await volumes()).toHaveLength(1)
    await app.api('DELETE', '?volumes=destroy')
    await until('it is gone', async () => (await volumes()).length === 0)
  })
})
