import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { Resolver } from 'node:dns/promises'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TsigKey } from '../../src/acme-settings.ts'
import { freePort } from './free-port.ts'

/** What runs a name server in the foreground, and says of each zone that it is loaded. */
type Program = {
  name: 'Knot' | 'BIND'
  file: string
  package: string
  argv: (configuration: string) => string[]
  configuration: (directory: string, port: number, zones: Zone[]) => string
}

const programs: Program[] = [
  {
    name: 'Knot',
    file: '/usr/sbin/knotd',
    package: 'knot',
    argv: (file) => ['-c', file],
    configuration: knotConfiguration,
  },
  {
    name: 'BIND',
    file: '/usr/sbin/named',
    package: 'bind9',
    argv: (file) => ['-g', '-c', file],
    configuration: bindConfiguration,
  },
]

/** Debian's name servers, and of each why it is not here; undefined: it is. */
export const nameServers = programs.map((program) => ({
  program,
  name: program.name,
  whyNot: existsSync(program.file) ? undefined : `${program.name} is not installed: apt-get install ${program.package}`,
}))

export const updateKey: TsigKey = {
  name: 'paas.key',
  algorithm: 'hmac-sha256',
  secret: Buffer.from('thirty-two bytes of a shared key').toString('base64'),
}

/** `updates`: it may be changed with the key. `records`: beside those that each has. */
type Zone = { name: string; updates: boolean; records?: string[] }

/** A name server of Debian. */
export class NameServer implements AsyncDisposable {
  readonly port: number
  readonly #life: AsyncDisposableStack

  private constructor(port: number, life: AsyncDisposableStack) {
    this.port = port
    this.#life = life
  }

  static async start(program: Program, zones: Zone[]): Promise<NameServer> {
    await using life = new AsyncDisposableStack()
    const directory = mkdtempSync(join(tmpdir(), 'paas-names-'))
    life.defer(() => rmSync(directory, { recursive: true, force: true }))
    const port = await freePort()
    for (const zone of zones) writeFileSync(join(directory, `${zone.name}.zone`), contentOf(zone))
    const configuration = join(directory, 'server.conf')
    writeFileSync(configuration, program.configuration(directory, port, zones))
    const child = spawn(program.file, program.argv(configuration), { stdio: ['ignore', 'pipe', 'pipe'] })
    life.defer(async () => {
      child.kill('SIGTERM')
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    })
    let output = ''
    await new Promise<void>((ready, fail) => {
      for (const stream of [child.stdout, child.stderr]) {
        stream.on('data', (chunk: Buffer) => {
          output += chunk.toString()
          if (zones.every(({ name }) => new RegExp(`${name}(\\.|/IN).*loaded`).test(output))) ready()
        })
      }
      child.once('exit', (code) => fail(new Error(`${program.file} exited with ${code}: ${output}`)))
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

function knotConfiguration(directory: string, port: number, zones: Zone[]): string {
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

function bindConfiguration(directory: string, port: number, zones: Zone[]): string {
  const { name, algorithm, secret } = updateKey
  const policy = `update-policy { grant ${name} zonesub ANY; };`
  return `options {
  directory "${directory}";
  listen-on port ${port} { 127.0.0.1; };
  listen-on-v6 { none; };
  recursion no;
  dnssec-validation no;
  pid-file none;
  session-keyfile none;
  lock-file none;
};
controls { };
key "${name}" { algorithm ${algorithm}; secret "${secret}"; };
${zones.map((zone) => `zone "${zone.name}" { type primary; file "${zone.name}.zone"; ${zone.updates ? policy : ''} };\n`).join('')}`
}
