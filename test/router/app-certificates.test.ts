import { execFile } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { promisify } from 'node:util'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadConfig, type Config } from '../../src/config.ts'
import { openDataDirectory } from '../../src/data-directory.ts'
import type { AppId } from '../../src/model/ids.ts'
import { AppCertificates } from '../../src/router/tls/app-certificates.ts'
import type { TlsIdentity } from '../../src/router/tls/identity.ts'
import { coversApps, issueForHosts, openOwnIdentity } from '../../src/router/tls/own-identity.ts'
import { startApp } from './helpers/apps.ts'
import { route } from './helpers/router.ts'
import { startTlsRouter } from './helpers/tls-router.ts'

const execute = promisify(execFile)
const log = pino({ enabled: false })
let config: Config
let identity: TlsIdentity
/** What was asked of the authority, one entry for each process. */
let asked: string[][]

beforeAll(async () => {
  config = loadConfig({ PAAS_DATA: await mkdtemp(join(tmpdir(), 'paas-app-certificates-')) })
  openDataDirectory(config)
  identity = await openOwnIdentity(config)
})
afterAll(() => rm(config.dataDirectory, { recursive: true }))

const issue = (hosts: string[]) => (asked.push(hosts), issueForHosts(config, hosts, 90))
const certificates = () => ((asked = []), new AppCertificates({ issue, log }))
const table = { controlHost: 'localhost' }
/** What a handshake waits for takes long on a machine that is busy with other tests. */
const limits = { handshake: 120_000 }

/** The certificate that a client of `host` is shown, which it must trust. */
async function shown(port: number, host: string): Promise<X509Certificate> {
  const ca = readFileSync(config.paths.tlsAuthority, 'utf8')
  const socket = connect({ port, host: '127.0.0.1', servername: host, ca })
  await once(socket, 'secureConnect')
  const certificate = socket.getPeerX509Certificate()!
  socket.destroy()
  return certificate
}

describe('https://APP.localhost', () => {
  it('is believed by Node, Python and git (curl’s library) that trust the server’s authority', async () => {
    const seen: (string | undefined)[] = []
    await using app = await startApp((req, res) => (seen.push(req.headers['user-agent']), res.writeHead(404).end()))
    await using router = await startTlsRouter(identity, {
      table,
      limits,
      routes: [route([app], { hosts: ['acme.localhost'] })],
      appCertificates: certificates(),
    })
    expect((await shown(router.tlsPort, 'acme.localhost')).subjectAltName).toBe('DNS:acme.localhost')
    await execute('python3', ['-c', python, config.paths.tlsAuthority, String(router.tlsPort)])
    const address = `https://acme.localhost:${router.tlsPort}/x.git`
    const git = ['-c', `http.sslCAInfo=${config.paths.tlsAuthority}`, 'ls-remote', address]
    const failure = execute('git', git, { env: { PATH: process.env['PATH'], GIT_CONFIG_NOSYSTEM: '1' } })
    await expect(failure).rejects.toThrow(/not found/)
    expect(seen).toEqual(['python', expect.stringMatching(/^git\//)])
    expect(asked).toEqual([['acme.localhost']])
  })

  it('is issued a certificate once for each app, together where many are asked for, and none for anybody else', async () => {
    const names = Array.from({ length: 20 }, (_, index) => `app-${index}.localhost`)
    const routes = names.map((name, index) => route([], { appId: `app-${index}` as AppId, app: name, hosts: [name] }))
    await using router = await startTlsRouter(identity, { table, limits, routes, appCertificates: certificates() })
    const all = await Promise.all([...names, ...names].map((name) => shown(router.tlsPort, name)))
    expect(new Set(all.map(({ serialNumber }) => serialNumber)).size).toBe(20)
    expect(asked.flat().toSorted()).toEqual(names.toSorted())
    expect(asked.length).toBeLessThan(10)
    const own = new X509Certificate(identity.certificate).serialNumber
    expect((await shown(router.tlsPort, 'localhost')).serialNumber).toBe(own)
    for (const host of ['nope.localhost', 'a.b.localhost']) {
      const socket = connect({ port: router.tlsPort, host: '127.0.0.1', servername: host, rejectUnauthorized: false })
      await once(socket, 'secureConnect')
      expect(socket.getPeerX509Certificate()?.serialNumber).toBe(own)
      socket.destroy()
    }
    expect(asked.flat()).toHaveLength(20)
  })

  it('keeps no domain of an app’s own from the certificate that it has, nor issues one for it', async () => {
    const hosts = ['acme.localhost', 'www.example.com']
    await using router = await startTlsRouter(identity, {
      table,
      limits,
      routes: [route([], { hosts })],
      appCertificates: certificates(),
    })
    const socket = connect({ port: router.tlsPort, servername: 'www.example.com', rejectUnauthorized: false })
    await once(socket, 'secureConnect')
    expect(socket.getPeerX509Certificate()?.serialNumber).toBe(new X509Certificate(identity.certificate).serialNumber)
    socket.destroy()
    expect(asked).toEqual([])
  })

  it('is shown the server’s own while none can be made, and the authority is not asked again at once', async () => {
    asked = []
    const fails = (hosts: string[]) => (asked.push(hosts), Promise.reject(new Error('no authority')))
    await using router = await startTlsRouter(identity, {
      table,
      limits,
      routes: [route([], { hosts: ['acme.localhost'] })],
      appCertificates: new AppCertificates({ issue: fails, log }),
    })
    for (let i = 0; i < 2; i++) {
      const socket = connect({ port: router.tlsPort, servername: 'acme.localhost', rejectUnauthorized: false })
      await once(socket, 'secureConnect')
      expect(socket.getPeerX509Certificate()?.subjectAltName).toContain('DNS:*.localhost')
      socket.destroy()
    }
    expect(asked).toHaveLength(1)
  })
})

it('a domain of several labels needs none: the wildcard of the server’s own certificate is believed', () => {
  expect(['localhost', 'paas.example', 'a.b.example'].map(coversApps)).toEqual([false, true, true])
})

const python = `
import http.client, socket, ssl, sys
context = ssl.create_default_context(cafile=sys.argv[1])
raw = socket.create_connection(('127.0.0.1', int(sys.argv[2])))
secure = context.wrap_socket(raw, server_hostname='acme.localhost')
secure.sendall(b'GET / HTTP/1.1\\r\\nHost: acme.localhost\\r\\nUser-Agent: python\\r\\nConnection: close\\r\\n\\r\\n')
assert secure.recv(12) == b'HTTP/1.1 404'
`
