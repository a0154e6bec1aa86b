import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { Resolver } from 'node:dns/promises'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TsigKey } from '../../src/acme-settings.ts'
import { freePort } from './free-port.ts'

const knotd = '/usr/sbin/knotd'

/** Why there is no Knot here; undefined: it is there. */
export const whyNoKnot = existsSync(knotd) ? undefined : 'Knot is not installed: apt-get install knot'

export const updateKey: TsigKey = {
  name: 'paas.key',
  algorithm: 'hmac-sha256',
  secret: Buffer.from('thirty-two bytes of a shared key').toString('base64'),
}

/** `updates`: it may be changed with the key. `records`: beside those that each has. */
type Zone = { name: string; updates: boolean; records?: string[] }

/** Debian's Knot. */
export class NameServer implements AsyncDisposable {
  readonly port: number
  readonly #life: AsyncDisposableStack

  private constructor(port: number, life: AsyncDisposableStack) {
    this.port = port
    this.#life = life
  }

  static async start(zones: Zone[]): Promise<NameServer> {
    await using life = new AsyncDisposableStack()
    const directory = mkdtempSync(join(tmpdir(), 'paas-knot-'))
    life.defer(() => rmSync(directory, { recursive: true, force: true }))
    const port = await freePort()
    for (const zone of zones) writeFileSync(join(directory, `${zone.name}.zone`), contentOf(zone))
    writeFileSync(join(directory, 'knot.conf'), configuration(directory, port, zones))
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
          if (zones.every(({ name }) => new RegExp(`${name}\\..*loaded`).test(output))) ready()
        })
      }
      child.once('exit', (code) => fail(new Error(`knotd exited with ${code}: ${output}`)))
    })
    return new NameServer(port, life.move())
  }

  async texts(name: string): Promise<string[]> {
    const resolver = new Resolver({ timeout: 1_000, tries: 3 })
    resolver.setServers([`127.0.0.1:${this.port}`])
    const found = await resolver.resolveTxt(name).catch((cause: NodeJS.ErrnoException): string[][] => {
      if (cause.code === 'ENODATA' || cause.code === 'ENOTFOUND') return []
      throw cause
    })
    return found.map((parts) => parts.join(''))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#life.disposeAsync()
  }
}

function contentOf({ name, records = [] }: Zone): string {
  const own = ['@ 60 SOA ns hostmaster 1 3600 600 86400 60', '@ 60 NS ns', 'ns 60 A 127.0.0.1']
  return [`$ORIGIN ${name}.`, ...own, ...records, ''].join('\n')
}

function configuration(directory: string, port: number, zones: Zone[]): string {
  const { name, algorithm, secret } = updateKey
  return `server:
    listen: 127.0.0.1@${port}
    rundir: ${directory}
database:
    storage: ${directory}
log:
  - target: stdout
    any: info
key:
  - id: ${name}
    algorithm: ${algorithm}
    secret: ${secret}
acl:
  - id: update
    key: ${name}
    action: update
template:
  - id: default
    storage: ${directory}
    zonefile-sync: -1
zone:
${zones.map((zone) => `  - domain: ${zone.name}\n    file: ${zone.name}.zone\n${zone.updates ? '    acl: update\n' : ''}`).join('')}`
}
