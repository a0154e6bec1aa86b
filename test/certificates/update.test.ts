import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { Resolver } from 'node:dns/promises'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { TsigKey } from '../../src/acme-settings.ts'
import { updateSetter } from '../../src/certificates/records/update.ts'
import { freePort } from '../helpers/free-port.ts'

const knotd = '/usr/sbin/knotd'
const key: TsigKey = {
  name: 'paas.key',
  algorithm: 'hmac-sha256',
  secret: Buffer.from('thirty-two bytes of a shared key').toString('base64'),
}

/** Debian's Knot with one zone, `zone.test`, that this key may change. */
class NameServer implements AsyncDisposable {
  readonly port: number
  readonly #life: AsyncDisposableStack

  private constructor(port: number, life: AsyncDisposableStack) {
    this.port = port
    this.#life = life
  }

  static async start(): Promise<NameServer> {
    await using life = new AsyncDisposableStack()
    const directory = mkdtempSync(join(tmpdir(), 'paas-knot-'))
    life.defer(() => rmSync(directory, { recursive: true, force: true }))
    const port = await freePort()
    writeFileSync(join(directory, 'zone.test.zone'), zone)
    writeFileSync(join(directory, 'knot.conf'), configuration(directory, port))
    const child = spawn(knotd, ['-c', join(directory, 'knot.conf')], { stdio: ['ignore', 'pipe', 'pipe'] })
    life.defer(async () => {
      child.kill('SIGTERM')
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    })
    let output = ''
    await new Promise<void>((ready, fail) => {
      for (const stream of [child.stdout, child.stderr]) {
        stream.on('data', (chunk: Buffer) => {
          output += chunk.toString()
          if (/zone\.test\..*loaded/.test(output)) ready()
        })
      }
      child.once('exit', (code) => fail(new Error(`knotd exited with ${code}: ${output}`)))
    })
    return new NameServer(port, life.move())
  }

  async texts(name: string): Promise<string[]> {
    const resolver = new Resolver({ timeout: 1_000, tries: 3 })
    resolver.setServers([`127.0.0.1:${this.port}`])
    return (await resolver.resolveTxt(name).catch((): string[][] => [])).map((parts) => parts.join(''))
  }

  setter(more: { key?: TsigKey; zone?: string } = { key }) {
    const base = { kind: 'rfc2136', host: '127.0.0.1', port: this.port, zone: undefined, key: undefined } as const
    return updateSetter({ ...base, ...more })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#life.disposeAsync()
  }
}

const why = existsSync(knotd) ? undefined : 'Knot is not installed: apt-get install knot'

describe.skipIf(why !== undefined)(`a record at a name server that takes updates (${why ?? 'Knot'})`, () => {
  it('is set beside others of its name, and taken away alone, with a signed update', async () => {
    await using server = await NameServer.start()
    const setter = server.setter()
    const name = '_acme-challenge.www.zone.test'
    await setter.set(name, 'one')
    await setter.set(name, 'two')
    expect((await server.texts(name)).toSorted()).toEqual(['one', 'two'])
    await setter.unset(name, 'one')
    expect(await server.texts(name)).toEqual(['two'])
    await server.setter({ key, zone: 'zone.test' }).unset(name, 'two')
    expect(await server.texts(name)).toEqual([])
  })

  it('is refused without the key, with another one, and in a zone of somebody else, which says so', async () => {
    await using server = await NameServer.start()
    const name = '_acme-challenge.www.zone.test'
    await expect(server.setter({}).set(name, 'one')).rejects.toThrow(
      /^The name server 127\.0\.0\.1:\d+ did not set _acme-challenge\.www\.zone\.test: .* \((NOTAUTH|REFUSED)\)\.$/,
    )
    const other = { ...key, secret: Buffer.from('another key').toString('base64') }
    await expect(server.setter({ key: other }).set(name, 'one')).rejects.toThrow(/NOTAUTH/)
    await expect(server.setter().set('_acme-challenge.other.example', 'one')).rejects.toThrow(/has no zone with/)
    expect(await server.texts(name)).toEqual([])
  })

  it('is not set when the server is away', async () => {
    const port = await freePort()
    const setter = updateSetter({ kind: 'rfc2136', host: '127.0.0.1', port, zone: 'zone.test', key })
    await expect(setter.set('_acme-challenge.zone.test', 'one')).rejects.toThrow(/did not set .* ECONNREFUSED/)
  })
})

const zone = `$ORIGIN zone.test.
@ 60 SOA ns.zone.test. hostmaster.zone.test. 1 3600 600 86400 60
@ 60 NS ns.zone.test.
ns 60 A 127.0.0.1
`

function configuration(directory: string, port: number): string {
  return `server:
    listen: 127.0.0.1@${port}
    rundir: ${directory}
database:
    storage: ${directory}
log:
  - target: stdout
    any: info
key:
  - id: ${key.name}
    algorithm: ${key.algorithm}
    secret: ${key.secret}
acl:
  - id: update
    key: ${key.name}
    action: update
template:
  - id: default
    storage: ${directory}
    acl: update
    zonefile-sync: -1
zone:
  - domain: zone.test
    file: zone.test.zone
`
}
