import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { TestApp, until } from '../helpers/app.ts'
import { startServer, type TestServer } from '../helpers/server.ts'
import { HttpReceiver } from '../outbound/receiver.ts'

/** What an app lets in, by the command and by curl, on a server as users have it. */

const run = promisify(execFile)
const bin = resolve(import.meta.dirname, '../../bin')
const source = `require('node:http').createServer((request, answer) => {
  let bytes = 0
  request.on('data', (chunk) => (bytes += chunk.length))
  request.on('end', () => {
    const end = () => answer.end(process.env.DYNO + ' got ' + bytes)
    if (request.url === '/slow') setTimeout(end, 3000)
    else end()
  })
}).listen(process.env.PORT)
`

let server: TestServer
let app: TestApp
let home: string
const life = new AsyncDisposableStack()
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'paas-edge-'))
  life.defer(() => rm(home, { recursive: true }))
  server = life.use(await startServer({ env: { PAAS_ALLOW_DELIVERIES: '127.0.0.1/32' } }))
  app = life.use(await TestApp.create(server, 'node-hello'))
  await app.repository.write('server.js', source)
  await app.repository.commit('say who answers')
  const { code, output } = await app.push()
  if (code !== 0) throw new Error(output)
})
afterAll(() => life.disposeAsync())

/** Whatever `paas` prints on stdout. */
async function paas(...argv: string[]): Promise<string> {
  const env = { ...server.env, PAAS_URL: server.url }
  return (await run(join(bin, 'paas'), [...argv, '-a', app.name], { env })).stdout.trim()
}

/** Status and body, as curl has them. */
async function curl(path = '/', ...options: string[]): Promise<[status: number, body: string]> {
  const argv = ['--silent', '--noproxy', '*', '--write-out', '\n%{http_code}', ...options]
  const { stdout } = await run('curl', [...argv, path.includes('://') ? path : `http://${app.host}${path}`])
  const [, body = '', status] = /^(.*)\n(\d+)$/s.exec(stdout) ?? []
  return [Number(status), body]
}

const becomes = (status: number, ...options: string[]) =>
  until(`it answers with ${status}`, async () => (await curl('/', ...options))[0] === status)

describe('what an app lets in', () => {
  it('is of the networks that it allows', async () => {
    await paas('edge:set', '--deny', '127.0.0.0/8')
    await becomes(403)
    await paas('edge:set', '--allow', '127.0.0.1/32', '--deny', 'off')
    await becomes(200)
    await paas('edge:set', '--allow', '192.0.2.0/24')
    await becomes(403)
    expect((await curl())[1]).toContain('its address is not allowed here')
    await paas('edge:set', '--allow', 'off')
    await becomes(200)
  })

  it('has a name and a password where that is asked for', async () => {
    const password = await paas('edge:auth', 'staging')
    await becomes(401)
    expect((await curl('/', '--user', `staging:${password}`))[0]).toBe(200)
    expect((await curl('/', '--user', 'staging:wrong'))[0]).toBe(401)
    await paas('edge:auth', 'staging', '--remove')
    await becomes(200)
  })

  it('has no larger body and takes no longer than it may', async () => {
    await paas('edge:set', '--body', '1', '--answer', '1')
    const large = join(home, 'large')
    await run('truncate', ['--size', '3M', large])
    const send = (...more: string[]) => curl('/', '--data-binary', `@${large}`, ...more)
    await until('it is refused', async () => (await send())[0] === 413)
    expect((await send('--header', 'Transfer-Encoding: chunked'))[0]).toBe(413)
    expect((await curl('/', '--data', 'x=1'))[1]).toBe('web.1 got 3')
    expect((await curl('/slow'))[0]).toBe(503)
    const log = () => paas('logs', '--num', '1500')
    await expect.poll(log).toMatch(/code=H12 .*path="\/slow"/)
    expect(await log()).toMatch(/Refused: its body has more than 1048576 bytes/)
    await paas('edge:set', '--body', 'off', '--answer', 'off')
    await until('it is waited for', async () => (await curl('/slow'))[0] === 200)
  })

  it('comes over HTTPS where that is asked for, which browsers are told', async () => {
    const secure = `https://${app.name}.localhost:${server.httpsPort}/`
    const trusting = ['--cacert', server.tlsAuthority]
    await paas('https:redirect', 'on')
    await paas('https:hsts', '60')
    await becomes(301)
    const [status, head] = await curl('/', '--head')
    expect([status, head]).toEqual([301, expect.stringContaining(`Location: ${secure}`)])
    const [answered, secured] = await curl(secure, '--include', ...trusting)
    expect([answered, secured]).toEqual([200, expect.stringMatching(/^strict-transport-security: max-age=60\r$/im)])
    expect((await curl('/', '--location', '--data', 'x=1', '--request', 'POST', ...trusting))[1]).toBe('web.1 got 3')
    await paas('https:redirect', 'off')
    await becomes(200)
  })

  it('goes to one dyno of two for a browser that has begun with it', async () => {
    await paas('features:enable', 'http-session-affinity')
    await paas('ps:scale', 'web=2')
    const dynos = async (...options: string[]) =>
      new Set(await Promise.all(Array.from({ length: 12 }, async () => (await curl('/', ...options))[1].split(' ')[0])))
    await until('both answer', async () => (await dynos()).size === 2)
    const jar = join(home, 'cookies')
    const [, first] = await curl('/', '--cookie-jar', jar)
    expect(await dynos('--cookie', jar)).toEqual(new Set([first.split(' ')[0]]))
    await paas('ps:scale', 'web=1')
  })
})

describe('the pages of an app', () => {
  it('are shown while it is closed and when it cannot answer, though their address is gone', async () => {
    const pages = await HttpReceiver.start()
    pages.answer = (response, { path }) =>
      response.writeHead(200, { 'content-type': 'text/html' }).end(`<!doctype html><h1>${path}`)
    const { port } = pages
    const at = (path: string) => `http://127.0.0.1:${port}${path}`
    await paas('config:set', `MAINTENANCE_PAGE_URL=${at('/back-soon')}`, `ERROR_PAGE_URL=${at('/oh')}`)
    await until('both are there', async () => (await paas('pages')).match(/ bytes$/gm)?.length === 2)
    await pages[Symbol.asyncDispose]()
    await paas('maintenance:on')
    await becomes(503)
    const page = (path: string) => `<!doctype html><base href="${at('/')}"><h1>${path}`
    expect(await curl('/', '--header', 'Accept: text/html')).toEqual([503, page('/back-soon')])
    const secure = ['--cacert', server.tlsAuthority, '--http2']
    expect(await curl(`https://${app.name}.localhost:${server.httpsPort}/`, ...secure)).toEqual([
      503,
      page('/back-soon'),
    ])
    const asked = await curl('/', '--header', 'Accept: application/json')
    expect(JSON.parse(asked[1])).toMatchObject({ id: 'H80' })
    await paas('maintenance:off')
    await becomes(200)
    await paas('ps:scale', 'web=0')
    await becomes(503)
    expect(await curl()).toEqual([503, page('/oh')])
    await expect(paas('pages:refresh')).rejects.toMatchObject({ stdout: expect.stringContaining('ECONNREFUSED') })
    expect(await curl()).toEqual([503, page('/oh')])
    await paas('config:unset', 'ERROR_PAGE_URL')
    await until('the usual page is back', async () => (await curl())[1].includes('no web process running'))
  })
})
